import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CgroupLayout,
  controllerDirectory,
  parseCgroupLayout,
} from '../../../src/core/runtime/oci/cgroup/layout.ts';
import { readCgroupStats } from '../../../src/core/runtime/oci/cgroup/stats.ts';
import { cgroupProcesses, childGroups, thaw } from '../../../src/core/runtime/oci/cgroup/tree.ts';

const v1 = (controllers: string): string =>
  `30 25 0:27 / /sys/fs/cgroup/${controllers} rw,relatime shared:9 - cgroup cgroup rw,${controllers}`;
const unified = (at: string): string =>
  `31 25 0:28 / ${at} rw,relatime shared:10 - cgroup2 cgroup2 rw,nsdelegate`;

describe('parseCgroupLayout', () => {
  it.each([
    ['v2', [unified('/sys/fs/cgroup')]],
    ['v1', [v1('memory'), v1('cpu,cpuacct')]],
    ['hybrid', [v1('memory'), unified('/sys/fs/cgroup/unified')]],
  ])('tells %s', (mode, lines) => {
    const root = '25 1 0:20 / / rw - ext4 /dev/sda rw';
    expect(parseCgroupLayout([root, ...lines, ''].join('\n'))?.mode).toBe(mode);
  });

  it('finds nothing where there is nothing', () => {
    expect(parseCgroupLayout('25 1 0:20 / / rw - ext4 /dev/sda rw\n')).toBeUndefined();
    expect(parseCgroupLayout('')).toBeUndefined();
  });

  it('knows controllers that share a tree, and blanks in paths', () => {
    const layout = parseCgroupLayout(`${v1('cpu,cpuacct').replace('/cpu,', '/a\\040b,')}`)!;
    expect(controllerDirectory(layout, 'cpuacct', '/x')).toBe('/sys/fs/cgroup/a b,cpuacct/x');
    expect(controllerDirectory(layout, 'memory', '/x')).toBeUndefined();
  });
});

describe('an instance in', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fsb-cgroups-'));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  const write = async (files: Record<string, string>): Promise<void> => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
  };

  it('cgroup v2: usage without droppable pages, processor time, processes, kills', async () => {
    const layout: CgroupLayout = { mode: 'v2', hierarchies: [{ controllers: [], mountPoint: directory }] };
    await write({
      'p/i1/memory.current': '5000\n',
      'p/i1/memory.stat': 'anon 3000\ninactive_file 1000\nactive_file 1000\n',
      'p/i1/memory.events': 'low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n',
      'p/i1/cpu.stat': 'usage_usec 123\nuser_usec 100\nsystem_usec 23\n',
      'p/i1/pids.current': '7\n',
      'p/i1/cgroup.procs': `${process.pid}\n0\n4194305\n`,
    });
    expect(await readCgroupStats(layout, '/p/i1')).toEqual({
      memory: 4000,
      cpuMicros: 123,
      pids: 7,
      oomKills: 3,
    });
    await expect(readCgroupStats(layout, '/p/i2')).rejects.toMatchObject({ code: 'not_found' });
    expect(await childGroups(layout, '/p')).toEqual(['i1']);
    expect((await cgroupProcesses(layout, '/p')).map(({ pid }) => pid)).toEqual([process.pid]);
  });

  it('cgroup v1: the same from a tree for each controller', async () => {
    const hierarchies = ['memory', 'cpuacct', 'pids'].map((name) => ({
      controllers: [name],
      mountPoint: join(directory, name),
    }));
    const layout: CgroupLayout = { mode: 'v1', hierarchies };
    await write({
      'memory/p/i1/memory.usage_in_bytes': '5000\n',
      'memory/p/i1/memory.stat': 'inactive_file 1\ntotal_inactive_file 1000\n',
      'memory/p/i1/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
      'cpuacct/p/i1/cpuacct.usage': '123456\n',
      'pids/p/i1/pids.current': '7\n',
    });
    expect(await readCgroupStats(layout, '/p/i1')).toEqual({
      memory: 4000,
      cpuMicros: 123,
      pids: 7,
      oomKills: 3,
    });
    await expect(readCgroupStats(layout, '/p/i2')).rejects.toMatchObject({ code: 'not_found' });
  });

  it.each<[CgroupLayout['mode'], string, string, string, string]>([
    ['v2', '', 'cgroup.freeze', '1', '0'],
    ['v1', 'freezer', 'freezer.state', 'FROZEN', 'THAWED'],
  ])(
    'cgroup %s goes on after a pause, and thawing what is not there is fine',
    async (mode, controller, file, frozen, thawed) => {
      const hierarchy = { controllers: controller ? [controller] : [], mountPoint: directory };
      const layout: CgroupLayout = { mode, hierarchies: [hierarchy] };
      await write({ [`p/i1/${file}`]: frozen });
      await thaw(layout, '/p/i1');
      expect(await readFile(join(directory, 'p/i1', file), 'utf8')).toContain(thawed);
      await expect(thaw(layout, '/p/i2')).resolves.toBeUndefined();
    },
  );
});
