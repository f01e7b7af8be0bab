import { describe, expect, it } from 'vitest';
import { defaultResources, type Shape } from '../../../src/core/model/sandbox/shape.ts';
import { cpuQuota, ociConfig } from '../../../src/core/runtime/oci/bundle/oci-config.ts';
import { shapeMounts } from '../../../src/core/runtime/oci/bundle/oci-mounts.ts';
import { seccompProfile } from '../../../src/core/runtime/oci/bundle/seccomp-profile.ts';

const shape = (changes: Partial<Shape> = {}): Shape => ({
  image: 'sha256:a',
  runtime: 'runc',
  resources: defaultResources,
  network: 'none',
  mounts: [],
  ...changes,
});

const config = (
  changes: Partial<Shape> = {},
  limits = { swap: true, openFiles: 65_536, oomScoreAdj: 0 },
  directories: string[] = [],
) =>
  ociConfig({
    shape: shape(changes),
    hostname: 'i0123456789a',
    rootDirectory: '/run/fsb/i/x/rootfs',
    initBinary: '/opt/fsb-init',
    cgroupPath: '/fsb-runc-abc/x',
    directories,
    limits,
  });

describe('ociConfig', () => {
  it('starts fsb-init alone, with nothing of the core', () => {
    expect(config().process).toMatchObject({
      terminal: false,
      args: ['/.fsb-init', '--listen-fd', '3'],
      env: [],
      cwd: '/',
      noNewPrivileges: true,
    });
  });

  it('has fsb-init make the directories that the image names', () => {
    expect(config({}, undefined, ['/data', '/var/lib/x y']).process.args).toEqual([
      ...['/.fsb-init', '--listen-fd', '3', '--directory', '/data', '--directory', '/var/lib/x y'],
    ]);
  });

  it('grants the documented capabilities and no others', () => {
    const { capabilities } = config().process;
    const documented =
      'CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT';
    const names = documented.split(' ').map((name) => `CAP_${name}`);
    expect(capabilities).toEqual({ bounding: names, effective: names, permitted: names });
  });

  it.each([
    ['none', ['cgroup', 'ipc', 'mount', 'network', 'pid', 'uts']],
    ['host', ['cgroup', 'ipc', 'mount', 'pid', 'uts']],
  ] as const)('has its own namespaces with network %s', (network, expected) => {
    const types = config({ network }).linux.namespaces.map(({ type }) => type);
    expect(types.sort()).toEqual(expected);
  });

  it('sets every limit', () => {
    const resources = { cpus: 1.5, memory: 64 << 20, pids: 7 };
    expect(config({ resources }).linux.resources).toEqual({
      devices: [{ allow: false, access: 'rwm' }],
      memory: { limit: 64 << 20, swap: 64 << 20 },
      cpu: { quota: 150_000, period: 100_000 },
      pids: { limit: 7 },
    });
    const poor = config({ resources }, { swap: false, openFiles: 100, oomScoreAdj: -900 });
    expect(poor.linux.resources.memory).toEqual({ limit: 64 << 20 });
    expect(poor.process.rlimits[0]).toEqual({ type: 'RLIMIT_NOFILE', soft: 100, hard: 100 });
    expect(poor.process.oomScoreAdj).toBe(0);
  });

  it('mounts fsb-init read-only, behind everything else', () => {
    const mounts = config({ mounts: [{ source: '/a', target: '/b', readOnly: false }] }).mounts;
    expect(mounts.at(-1)).toMatchObject({ destination: '/.fsb-init', source: '/opt/fsb-init' });
    expect(mounts.at(-1)!.options).toContain('ro');
    expect(mounts.at(-2)).toMatchObject({ destination: '/b' });
  });

  it.each([
    [1, 100_000],
    [0.5, 50_000],
    [0.001, 1000],
    [64, 6_400_000],
  ])('gives %d cores a quota of %d', (cpus, quota) => expect(cpuQuota(cpus)).toBe(quota));
});

describe('shapeMounts', () => {
  it('binds read-only unless asked, outer targets first', () => {
    const mounts = shapeMounts([
      { source: '/deep', target: '/a/b/', readOnly: false },
      { source: '/top', target: '/a', readOnly: true },
    ]);
    expect(mounts).toEqual([
      {
        destination: '/a',
        type: 'bind',
        source: '/top',
        options: ['bind', 'ro', 'nosuid', 'nodev', 'private'],
      },
      {
        destination: '/a/b',
        type: 'bind',
        source: '/deep',
        options: ['bind', 'rw', 'nosuid', 'nodev', 'private'],
      },
    ]);
  });

  it.each(['/', '/..', 'a', '/proc', '/proc/1', '/sys/fs', '/dev/null', '/.fsb-init', '/x/../dev', '//proc'])(
    'refuses the target %s',
    (target) => {
      const act = () => shapeMounts([{ source: '/a', target, readOnly: true }]);
      expect(act).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    },
  );

  it('refuses two mounts on one target', () => {
    const mount = { source: '/a', readOnly: true };
    const act = () =>
      shapeMounts([
        { ...mount, target: '/a/' },
        { ...mount, target: '/a' },
      ]);
    expect(act).toThrow(/given twice/);
  });
});

describe('seccompProfile', () => {
  const { syscalls, defaultAction } = seccompProfile();
  const allowed = syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args === undefined);
  const names = allowed.flatMap((rule) => rule.names);

  it('denies by default and names no call twice', () => {
    expect(defaultAction).toBe('SCMP_ACT_ERRNO');
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(
    `mount umount2 pivot_root unshare setns clone3 bpf perf_event_open io_uring_setup userfaultfd keyctl add_key
     request_key init_module finit_module delete_module kexec_load reboot swapon settimeofday clock_settime quotactl
     open_by_handle_at fanotify_init iopl ioperm syslog acct move_mount fsopen open_tree mount_setattr socket clone
     personality sethostname vhangup lookup_dcookie kcmp`.split(/\s+/),
  )('does not simply allow %s', (name) => expect(names).not.toContain(name));
});
