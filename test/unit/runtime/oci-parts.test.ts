import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAlive, parseProcessStat, readProcessStat } from '../../../src/core/model/process-identity.ts';
import { guestFiles } from '../../../src/core/runtime/oci/bundle/guest-files.ts';
import type { CgroupLayout } from '../../../src/core/runtime/oci/cgroup/layout.ts';
import { bootArguments, removeArguments } from '../../../src/core/runtime/oci/launch-arguments.ts';
import { openFilesLimit } from '../../../src/core/runtime/oci/node-facts.ts';
import { instancePaths, ociDirectories } from '../../../src/core/runtime/oci/oci-paths.ts';
import { judge, type OciFindings } from '../../../src/core/runtime/oci/probe.ts';
import { lastLoggedError, runtimeFailure } from '../../../src/core/runtime/oci/runtime-errors.ts';
import { parseRuntimeState } from '../../../src/core/runtime/oci/runtime-state.ts';

describe('parseProcessStat', () => {
  const rest = Array.from({ length: 30 }, (_, index) => String(index + 4)).join(' ');

  it('reads state and start time whatever the process is called', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 15 }), (name) => {
        expect(parseProcessStat(`42 (${name}) S ${rest}\n`)).toEqual({ state: 'S', startTime: 22 });
      }),
    );
  });

  it('says nothing about what is no stat line', () => {
    for (const text of ['', '42', '42 (x)', '42 (x) S 1 2 3']) expect(parseProcessStat(text)).toBeUndefined();
  });

  it('tells this process from another one with its pid', () => {
    const { startTime } = readProcessStat(process.pid)!;
    expect(isAlive({ pid: process.pid, startTime })).toBe(true);
    expect(isAlive({ pid: process.pid, startTime: startTime + 1 })).toBe(false);
    expect(isAlive({ pid: 2 ** 22 + 1, startTime })).toBe(false);
  });
});

describe('parseRuntimeState', () => {
  it.each([
    ['runc', '{"init_process_pid":7,"init_process_start":9}', { pid: 7, startTime: 9 }],
    ['crun', '{"pid":7,"process-start-time":9}', { pid: 7, startTime: 9 }],
    ['runc', '{"init_process_pid":0,"init_process_start":0}', undefined],
    ['runc', '{"init_process_pid":"7"}', undefined],
    [
      'runc',
      '{"id":"i1","init_process_pid":7,"init_process_start":9,"config":{"cut',
      { pid: 7, startTime: 9 },
    ],
    ['runc', '{"init_process_pid":7,"init_process_start":9', undefined],
    ['runc', '{"init_proc', undefined],
    ['runc', 'null', undefined],
    ['runc', '', undefined],
  ] as const)('%s %s', (runtime, text, expected) => {
    expect(parseRuntimeState(runtime, text)).toEqual(expected);
  });
});

describe('ociDirectories', () => {
  it('keeps two cores, and two runtimes of one, apart', () => {
    const all = [
      ociDirectories('/a/run', '/a/state', 'runc'),
      ociDirectories('/b/run', '/b/state', 'runc'),
      ociDirectories('/a/run', '/a/state', 'crun'),
    ];
    expect(new Set(all.map(({ cgroupParent }) => cgroupParent)).size).toBe(3);
    expect(new Set(all.map(({ instances }) => instances)).size).toBe(3);
  });
});

describe('what fsb-launch is asked for', () => {
  const directories = ociDirectories('/r', '/s', 'runc');
  const paths = instancePaths(directories, 'i1');

  it('names every directory of a boot by itself, topmost layer first', () => {
    const args = bootArguments({
      paths,
      id: 'i1',
      root: {
        overlays: [
          { target: '/', lower: ['/top:a', '/bottom,b'] },
          { target: '/usr', lower: ['/usr'] },
        ],
      },
      config: '{}',
      etc: { hosts: 'h', hostname: 'n', 'resolv.conf': '' },
      runtimeBinary: '/usr/sbin/runc',
      runtimeRoot: directories.runtimeRoot,
      again: false,
      disk: 32 << 20,
    });
    expect(args.join(' ')).toBe(
      'boot --layers /s/instances/runc/i1 --bundle /r/i/i1 --config {} --disk 33554432' +
        ' --etc hosts h --etc hostname n --etc resolv.conf ' +
        ' --overlay / --lower /top:a --lower /bottom,b --overlay /usr --lower /usr' +
        ' -- /usr/sbin/runc --root /r/runc --log /r/i/i1/runtime.log --log-format json' +
        ' run --detach --preserve-fds 1 --bundle /r/i/i1 i1',
    );
  });

  it('removes everything that an instance may have, thawed where that is needed', () => {
    const first = { pid: 7, startTime: 9 };
    const v2: CgroupLayout = { mode: 'v2', hierarchies: [{ controllers: [], mountPoint: '/cg' }] };
    const tail = '--tree /r/runc/i1 --tree /r/i/i1 --aside /s/instances/runc/i1 /s/trash/t';
    const group = `${directories.cgroupParent}/i1`;
    expect(removeArguments({ paths, cgroups: v2, first, trash: '/s/trash/t' }).join(' ')).toBe(
      `remove --process 7:9 --group /cg${group} ${tail}`,
    );
    const hierarchies = ['freezer', 'memory'].map((name) => ({
      controllers: [name],
      mountPoint: `/cg/${name}`,
    }));
    const v1: CgroupLayout = { mode: 'v1', hierarchies };
    expect(removeArguments({ paths, cgroups: v1, first: undefined, trash: '/s/trash/t' }).join(' ')).toBe(
      `remove --thaw /cg/freezer${group}/freezer.state --group /cg/freezer${group} --group /cg/memory${group} ${tail}`,
    );
  });
});

describe('guestFiles', () => {
  it('knows itself, and nothing of the node without its network', () => {
    const node = { hosts: '10.0.0.1 secret', resolvConf: 'nameserver 10.0.0.2\n' };
    const files = guestFiles('box', 'none', node);
    expect(files.hosts).toMatch(/^127.0.0.1\tlocalhost\n(.*\n)*127.0.1.1\tbox\n$/);
    expect(files.hosts).not.toContain('secret');
    expect(files['resolv.conf']).toBe('');
    expect(guestFiles('box', 'host', node)).toEqual({
      hosts: '10.0.0.1 secret\n127.0.1.1\tbox\n',
      hostname: 'box\n',
      'resolv.conf': 'nameserver 10.0.0.2\n',
    });
  });
});

describe('openFilesLimit', () => {
  it.each([
    ['20000', 20_000],
    ['1048576', 65_536],
    ['unlimited', 65_536],
  ])('%s', (hard, expected) => {
    expect(
      openFilesLimit(`Max open files            1024                 ${hard}                files\n`),
    ).toBe(expected);
  });
});

describe('runtimeFailure', () => {
  const result = { code: 125, signal: null, stderr: '' };
  const log =
    '{"level":"warning","msg":"a"}\n{"level":"error","msg":"runc run failed: no such thing"}\nnot json\n{"level":"warning","msg":"b"}';

  it('takes the last error that was logged', () => {
    expect(lastLoggedError(log)).toBe('runc run failed: no such thing');
    expect(runtimeFailure('cannot boot x', 'runc', result, log).message).toBe('cannot boot x: no such thing');
  });

  it.each([
    [
      { ...result, stderr: 'fsb-launch: mount overlay on /: Invalid argument\n' },
      'mount overlay on /: Invalid argument',
      'file system',
    ],
    [
      { ...result, stderr: 'fsb-launch: mount overlay on /: No such device\n' },
      'No such device',
      'modprobe overlay',
    ],
    [{ ...result, code: 3 }, 'runc ended with exit code 3 and said nothing', 'runc --version'],
    [
      { ...result, code: null, signal: 'SIGSEGV' as const },
      'runc ended with signal SIGSEGV',
      'runc --version',
    ],
    [
      { ...result, stderr: 'container init was OOM-killed (memory limit too low?)' },
      'OOM-killed',
      'more memory',
    ],
  ])('explains %j', (ended, message, hint) => {
    const error = runtimeFailure('cannot boot x', 'runc', ended, '');
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  });
});

describe('runtimeFailure with no space left', () => {
  const said = (stderr: string) =>
    runtimeFailure('cannot boot x', 'runc', { code: 125, signal: null, stderr }, '').toBody();

  it.each([
    [
      'fsb-launch: write file /run/i/x/config.json: No space left on device\n',
      'the disk of /run/i/x/config.json',
    ],
    ['fsb-launch: make directory /state/x: Disk quota exceeded\n', 'the disk of /state/x'],
    ['open /run/runc/x/state.json: no space left on device', 'the disk of /run/runc/x/state.json'],
    ['write: no space left on device', 'the disk'],
  ])('knows a full disk: %s', (text, place) => {
    expect(said(text)).toEqual({
      code: 'no_capacity',
      message: `cannot boot x: ${place} is full`,
      hint: expect.stringContaining('fsb-ctl image prune'),
    });
  });

  it.each([
    'fsb-launch: mount overlay on /: No space left on device\n',
    'fsb-launch: create mount namespace: No space left on device\n',
    'mkdir /sys/fs/cgroup/memory/x: no space left on device',
  ])('takes another limit for no disk: %s', (text) => {
    expect(said(text)).toMatchObject({
      code: 'run_failed',
      hint: 'The node has no room for more cgroups or mounts.',
    });
  });
});

describe('judge', () => {
  const fine: OciFindings = {
    runtime: 'runc',
    binary: 'runc',
    uid: 0,
    versionText: 'runc version 1.1.5+ds1\ncommit: 1\n',
    cgroupMode: 'v2',
    overlay: true,
    missing: [],
  };

  it('is content with what works', () => {
    expect(judge(fine)).toEqual({
      name: 'runc',
      available: true,
      version: '1.1.5+ds1',
      cgroups: 'v2',
      problem: '',
      hint: '',
    });
    expect(judge({ ...fine, versionText: 'crun version 1.8.1\n' }).version).toBe('1.8.1');
  });

  it.each([
    [{ uid: 1000 }, 'root', 'sudo'],
    [{ versionText: undefined }, 'not installed', 'apt-get install runc'],
    [{ versionText: '' }, 'version', 'runc --version'],
    [{ cgroupMode: undefined }, 'cgroup', 'mount -t cgroup2'],
    [{ runtime: 'crun' as const, cgroupMode: 'hybrid' as const }, 'crun', 'Use runc'],
    [{ overlay: false }, 'overlayfs', 'modprobe overlay'],
    [{ missing: ['/x/fsb-init'] }, '/x/fsb-init', 'make -C guest'],
  ])('names the problem and the way out: %j', (changes, problem, hint) => {
    const verdict = judge({ ...fine, ...changes });
    expect(verdict.available).toBe(false);
    expect(verdict.problem).toContain(problem);
    expect(verdict.hint).toContain(hint);
  });
});
