import { once } from 'node:events';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import { isAlive } from '../../../src/core/model/process-identity.ts';
import type { BootedInstance } from '../../../src/core/runtime/driver.ts';
import { controllerDirectory } from '../../../src/core/runtime/oci/cgroup/layout.ts';
import { readCgroupLayout } from '../../../src/core/runtime/oci/node-facts.ts';
import { ociDirectories } from '../../../src/core/runtime/oci/oci-paths.ts';
import { createFixture, type OciFixture } from './oci-fixture.ts';

const statusOf = (pid: number | string, key: string): string =>
  new RegExp(`^${key}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

describe('a booted instance', () => {
  let fixture: OciFixture;
  let instance: BootedInstance;

  beforeAll(async () => {
    fixture = await createFixture();
    await mkdir(join(fixture.directory, 'shared'));
    await writeFile(join(fixture.directory, 'shared/note'), 'from the node\n');
    const source = join(fixture.directory, 'shared');
    const shape = fixture.shape({
      mounts: [
        { source, target: '/mnt/ro', readOnly: true },
        { source, target: '/mnt/rw', readOnly: false },
      ],
    });
    instance = await fixture.driver.boot({ id: newInstanceId(), shape, root: fixture.root });
  });

  afterAll(async () => {
    await fixture.close();
  });

  it('listens on a socket that only root may use', async () => {
    expect(statSync(instance.channelPath).mode & 0o777).toBe(0o600);
    expect(statSync(join(instance.channelPath, '..')).mode & 0o777).toBe(0o700);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(instance.channelPath, () => {
        socket.destroy();
        resolve();
      });
      socket.on('error', reject);
    });
  });

  it('is answered by the guest, who takes its peer for one from outside', async () => {
    const socket = connect(instance.channelPath);
    const hello = Buffer.from([8, 0, 0, 0, 0x01, 0, 0, 0, 0, 1, 0, 0]);
    socket.write(hello);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer[4]).toBe(0x81);
  });

  it('is the process that boot named', () => {
    expect(isAlive({ pid: instance.pid, startTime: instance.pidStartTime })).toBe(true);
    expect(readFileSync(`/proc/${instance.pid}/cmdline`, 'utf8')).toBe('/.fsb-init\0--listen-fd\x003\0');
    // HOME comes from the runtime; nothing of the core's own environment does.
    expect(readFileSync(`/proc/${instance.pid}/environ`, 'utf8')).toMatch(/^(HOME=\/root\0)?$/);
  });

  it('has namespaces of its own', async () => {
    for (const kind of ['pid', 'mnt', 'ipc', 'uts', 'net', 'cgroup'])
      expect(readlinkSync(`/proc/${instance.pid}/ns/${kind}`), kind).not.toBe(
        readlinkSync(`/proc/self/ns/${kind}`),
      );
    expect(await fixture.inside(instance.id, 'hostname')).toBe(`${instance.id.slice(0, 12)}\n`);
    expect(await fixture.inside(instance.id, 'sh', '-c', 'echo /sys/class/net/*')).toBe(
      '/sys/class/net/lo\n',
    );
  });

  it('is confined: capabilities, no_new_privs, seccomp', async () => {
    const status = await fixture.inside(instance.id, 'cat', '/proc/self/status');
    // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, SETPCAP 8, NET_BIND_SERVICE 10, SYS_CHROOT 18
    const bits = [0, 1, 3, 4, 5, 6, 7, 8, 10, 18].reduce((sum, bit) => sum + 2 ** bit, 0);
    const expected = bits.toString(16).padStart(16, '0');
    for (const key of ['CapBnd', 'CapEff', 'CapPrm']) {
      expect(status).toContain(`${key}:\t${expected}`);
      expect(statusOf(instance.pid, key), key).toBe(expected);
    }
    for (const key of ['CapInh', 'CapAmb']) expect(statusOf(instance.pid, key), key).toBe('0000000000000000');
    expect(statusOf(instance.pid, 'NoNewPrivs')).toBe('1');
    expect(statusOf(instance.pid, 'Seccomp')).toBe('2');
    expect(status).toMatch(/NoNewPrivs:\t1\n.*Seccomp:\t2\n/s);
  });

  it.each([
    ['unshare', 'unshare --user true'],
    ['mount', 'mount -t tmpfs none /tmp'],
    ['a vsock', `python3 -c 'import socket; socket.socket(40, socket.SOCK_STREAM)'`],
    ['the kernel crypto sockets', `python3 -c 'import socket; socket.socket(38, socket.SOCK_SEQPACKET)'`],
    ['writing kernel settings', 'echo 1 > /proc/sys/kernel/panic'],
    ['writing cgroup limits', 'for f in $(find /sys/fs/cgroup -name "pids.max"); do echo max > $f; done'],
    ['writing beside the cgroups', 'touch /sys/fs/cgroup/file'],
    ['making a device', 'mknod /tmp/disk b 254 0'],
    ['overwriting the guest init', 'echo x > /.fsb-init'],
    ['removing the guest init', 'rm -f /.fsb-init'],
    ['overwriting it by its process', 'echo x > /proc/1/exe'],
    ['writing to a read-only mount', 'echo x > /mnt/ro/note'],
    [
      'protecting itself from the out-of-memory killer',
      'exec bash -c "echo -999 > /proc/self/oom_score_adj"',
    ],
  ])('refuses %s', async (_, command) => {
    await expect(fixture.inside(instance.id, 'sh', '-ec', command)).rejects.toThrow(
      /not permitted|denied|[Rr]ead-only|busy|PermissionError|nonexistent/,
    );
  });

  it('shows no kernel secrets', async () => {
    const masked =
      'cat /proc/kcore /proc/keys /proc/timer_list /proc/interrupts 2>/dev/null; ls /sys/firmware /proc/acpi';
    expect((await fixture.inside(instance.id, 'sh', '-c', masked)).replaceAll(/^.*:$|\s/gm, '')).toBe('');
    expect(await fixture.inside(instance.id, 'cat', '/proc/self/mountinfo')).not.toContain(`lowerdir=/`);
  });

  it('has the usual devices and files', async () => {
    const script =
      'test -c /dev/null && test -c /dev/urandom && test -c /dev/ptmx && test -d /dev/shm && test -d /dev/mqueue && echo fine';
    expect(await fixture.inside(instance.id, 'sh', '-c', script)).toBe('fine\n');
    expect(await fixture.inside(instance.id, 'cat', '/etc/hosts')).toContain('127.0.0.1\tlocalhost');
    expect(await fixture.inside(instance.id, 'cat', '/etc/hosts')).toContain(instance.id.slice(0, 12));
    expect(await fixture.inside(instance.id, 'stat', '-c', '%a %u', '/', '/etc', '/usr', '/etc/hosts')).toBe(
      '755 0\n755 0\n755 0\n644 0\n',
    );
    expect(await fixture.inside(instance.id, 'sh', '-c', 'echo ours > /mnt/rw/new; cat /mnt/ro/note')).toBe(
      'from the node\n',
    );
    expect(await readFile(join(fixture.directory, 'shared/new'), 'utf8')).toBe('ours\n');
  });

  it.each([
    ['bash', ['bash', '-c', 'x=$(echo a | cat); echo $x']],
    [
      'node',
      [
        'node',
        '-e',
        'new Worker("console.log(\\"a\\")",{eval:true}); function Worker(...a){return new (require("worker_threads").Worker)(...a)}',
      ],
    ],
    [
      'python3',
      [
        'python3',
        '-c',
        'import subprocess, threading, ssl; t=threading.Thread(target=lambda: subprocess.run(["echo","a"])); t.start(); t.join()',
      ],
    ],
    ['perl', ['perl', '-e', 'print `echo a`']],
    [
      'gcc',
      [
        'sh',
        '-c',
        'cd /tmp && printf "#include <stdio.h>\\nint main(void){puts(\\"a\\");}" > a.c && gcc a.c -o a.out && ./a.out',
      ],
    ],
    [
      'git',
      [
        'sh',
        '-c',
        'cd /tmp && git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m a && git log --format=%s',
      ],
    ],
    ['apt', ['sh', '-c', 'apt-get --version >/dev/null && dpkg --version >/dev/null && echo a']],
    [
      'another user',
      ['perl', '-e', '$) = "65534 65534"; $< = $> = 65534; print $> == 65534 ? "a\n" : "b\n"'],
    ],
  ])('runs %s', async (_, command) => {
    expect(await fixture.inside(instance.id, ...command)).toBe('a\n');
  });

  it('is within its limits', async () => {
    const layout = await readCgroupLayout();
    const directories = ociDirectories(fixture.options.runDir, fixture.options.stateDir, 'runc');
    const read = (controller: string, v1: string, v2: string): string => {
      const directory = controllerDirectory(
        layout,
        controller,
        `${directories.cgroupParent}/${instance.id}`,
      )!;
      return readFileSync(join(directory, layout.mode === 'v2' ? v2 : v1), 'utf8').trim();
    };
    expect(read('memory', 'memory.limit_in_bytes', 'memory.max')).toBe('536870912');
    expect(read('pids', 'pids.max', 'pids.max')).toBe('256');
    expect(read('cpu', 'cpu.cfs_quota_us', 'cpu.max')).toMatch(/^100000/);
    expect(Number(readFileSync(`/proc/${instance.pid}/oom_score_adj`, 'utf8'))).toBeGreaterThanOrEqual(0);
    await fixture.driver.update(instance.id, { cpus: 0.5, memory: 256 * 1024 * 1024, pids: 100 });
    expect(read('memory', 'memory.limit_in_bytes', 'memory.max')).toBe('268435456');
    expect(read('pids', 'pids.max', 'pids.max')).toBe('100');
    expect(read('cpu', 'cpu.cfs_quota_us', 'cpu.max')).toMatch(/^50000/);
  });

  it('tells what it uses', async () => {
    const stats = await fixture.driver.stats(instance.id);
    expect(stats.memory).toBeGreaterThan(0);
    expect(stats.cpuMicros).toBeGreaterThan(0);
    expect(stats.pids).toBe(1);
    expect(stats.oomKills).toBe(0);
  });

  it('counts what the kernel killed for memory, and lives on', async () => {
    const hog = 'x = bytearray(400 * 1024 * 1024)';
    await fixture.driver.update(instance.id, { cpus: 1, memory: 64 * 1024 * 1024, pids: 100 });
    await expect(fixture.inside(instance.id, 'python3', '-c', hog)).rejects.toThrow();
    expect((await fixture.driver.stats(instance.id)).oomKills).toBe(1);
    expect(isAlive({ pid: instance.pid, startTime: instance.pidStartTime })).toBe(true);
  });

  it('is listed as alive', async () => {
    const list = await fixture.driver.list();
    expect(list).toEqual([{ ...instance, alive: true, onlyFiles: false }]);
  });

  it('is paused, resumed, and destroyed while paused', async () => {
    const child = fixture.inside(instance.id, 'sh', '-c', 'sleep 60');
    const gone = expect(child).rejects.toThrow();
    await fixture.driver.pause(instance.id);
    await fixture.driver.resume(instance.id);
    await fixture.inside(instance.id, 'true');
    await fixture.driver.pause(instance.id);
    await fixture.driver.destroy(instance.id);
    await gone;
    expect(await fixture.leftovers()).toEqual([]);
    expect(await fixture.driver.list()).toEqual([]);
    await expect(fixture.driver.pause(instance.id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(fixture.driver.stats(instance.id)).rejects.toMatchObject({ code: 'not_found' });
  });
});
