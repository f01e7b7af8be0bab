import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pino from 'pino';
import { systemClock } from '../../../src/core/model/clock.ts';
import type { RootFilesystem } from '../../../src/core/model/image/image.ts';
import { defaultResources, type Shape } from '../../../src/core/model/sandbox/shape.ts';
import { groupDirectories } from '../../../src/core/runtime/oci/cgroup/layout.ts';
import { readCgroupLayout } from '../../../src/core/runtime/oci/node-facts.ts';
import type { OciDriverOptions } from '../../../src/core/runtime/oci/oci-context.ts';
import { createOciDriver, type OciDriver } from '../../../src/core/runtime/oci/oci-driver.ts';
import { ociDirectories } from '../../../src/core/runtime/oci/oci-paths.ts';
import { initBinary, launchBinary } from '../../helpers/guest/guest-programs.ts';

const run = promisify(execFile);

/** A driver on a directory of its own, with a root file system of the machine's own programs. */
export interface OciFixture {
  driver: OciDriver;
  directory: string;
  options: OciDriverOptions;
  root: RootFilesystem;
  shape(changes?: Partial<Shape>): Shape;
  /** Runs a command inside with the rights of the instance; its output. */
  inside(id: string, ...command: string[]): Promise<string>;
  /** What is on the node of this driver's: directories, cgroups, processes, mounts. Empty when all is well. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

export async function createFixture(changes: Partial<OciDriverOptions> = {}): Promise<OciFixture> {
  const directory = await mkdtemp('/tmp/fsb-oci-');
  const root = await makeRoot(join(directory, 'skeleton'));
  const options: OciDriverOptions = {
    runtime: 'runc',
    launchBinary,
    initBinary,
    stateDir: join(directory, 'state'),
    runDir: join(directory, 'run'),
    log: pino({ level: 'silent' }),
    clock: systemClock,
    ...changes,
  };
  const driver = createOciDriver(options);
  const directories = ociDirectories(options.runDir, options.stateDir, options.runtime);
  return {
    driver,
    directory,
    options,
    root,
    shape: (own = {}) => ({
      image: 'sha256:test',
      runtime: 'runc',
      resources: defaultResources,
      network: 'none',
      mounts: [],
      ...own,
    }),
    async inside(id, ...command) {
      const exec = [
        '--root',
        directories.runtimeRoot,
        'exec',
        '--env',
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
        id,
      ];
      const { stdout } = await run('runc', [...exec, ...command], { env: { PATH: process.env.PATH } });
      return stdout;
    },
    async leftovers() {
      const layout = await readCgroupLayout();
      const groups = groupDirectories(layout, directories.cgroupParent).map(async (group) =>
        childrenOf(group, true),
      );
      const places = [directories.bundles, directories.runtimeRoot, directories.instances];
      return [
        ...(await Promise.all(groups)).flat(),
        ...(await Promise.all(places.map((place) => childrenOf(place, false)))).flat(),
        ...mountsBelow(directory),
        ...processesOf(directories.cgroupParent, directory),
      ];
    },
    async close() {
      for (const { id } of await driver.list()) await driver.destroy(id);
      await driver.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Like the `host` image: a skeleton, and the machine's own /usr over it. */
async function makeRoot(skeleton: string): Promise<RootFilesystem> {
  for (const name of ['dev', 'proc', 'sys', 'usr', 'etc', 'tmp', 'root', 'run'])
    await mkdir(join(skeleton, name), { recursive: true });
  await cp('/etc/passwd', join(skeleton, 'etc/passwd'));
  const overlays = [
    { target: '/', lower: [skeleton] },
    { target: '/usr', lower: ['/usr'] },
  ];
  for (const name of ['bin', 'sbin', 'lib', 'lib64', 'lib32']) {
    const stat = await lstat(`/${name}`).catch(() => undefined);
    if (stat?.isSymbolicLink()) await cp(`/${name}`, join(skeleton, name), { verbatimSymlinks: true });
    else if (stat?.isDirectory()) {
      await mkdir(join(skeleton, name));
      overlays.push({ target: `/${name}`, lower: [`/${name}`] });
    }
  }
  return { overlays };
}

async function childrenOf(directory: string, onlyDirectories: boolean): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !onlyDirectories || entry.isDirectory())
    .map((entry) => join(directory, entry.name));
}

/** Mounts as this process sees them: an instance must never add one. */
const mountsBelow = (directory: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(directory));

/** Living processes in cgroups of the driver, or with its directory on their command line. */
function processesOf(cgroupParent: string, directory: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const zombie = stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
      const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      // Removing old layers goes on in the background and is no leftover.
      if (
        !zombie &&
        (groups.includes(`${cgroupParent}/`) || (command.includes(directory) && !command.startsWith('rm ')))
      )
        found.push(`process ${pid}: ${command}`);
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}
