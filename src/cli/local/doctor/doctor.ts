import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../../core/model/clock.ts';
import { createOciDriver } from '../../../core/runtime/oci/oci-driver.ts';
import { roomOf } from '../../../core/upkeep/upkeep.ts';
import type { Listing, Tone } from '../../output/output.ts';
import type { World } from '../../terminal/world.ts';
import type { LocalCore } from '../daemon/local-core.ts';
import { guestDirectory } from '../guest-directory.ts';
import { type Check, checksOf } from './check.ts';
import { coreChecks } from './core-checks.ts';
import { diskCheck } from './disk-check.ts';
import { diskLimitCheck } from './disk-limit-check.ts';
import { imageChecks } from './image-checks.ts';
import { openFilesCheck } from './open-files-check.ts';
import { firstExisting, rootCheck } from './root-check.ts';

/** Looks at everything that a core needs, changes nothing. */
export async function examine(
  local: LocalCore,
  world: Pick<World, 'env' | 'cwd' | 'clock'>,
): Promise<Check[]> {
  const files = openFilesCheck();
  // Every look would fail, and blame what it looks at.
  if (!files.ok) return [await node(), files];
  return [
    await node(),
    files,
    ...(await checksOf(GUEST_PROGRAMS, () => programs(local))),
    ...(await rootCheck(local)),
    ...(await checksOf('disk', async () => [await disk(local), await diskLimitCheck()])),
    ...(await imageChecks(local, world)),
    ...(await checksOf('core', () => coreChecks(local))),
  ];
}

async function node(): Promise<Check> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { name: 'node', ok, found: process.version, hint: ok ? '' : 'Install Node.js 20.19 or newer.' };
}

const GUEST_PROGRAMS = 'guest programs';

/** Our own, and the runtime with them: on a machine that they are not made for there is nothing to try it with. */
async function programs(local: LocalCore): Promise<Check[]> {
  const directory = guestDirectory(local.packageRoot);
  return [await guestPrograms(directory), ...(await checksOf('runtime', () => runtime(directory, local)))];
}

async function guestPrograms(directory: string): Promise<Check> {
  const missing: string[] = [];
  for (const name of ['fsb-init', 'fsb-launch'])
    await access(join(directory, name), constants.X_OK).catch(() => missing.push(name));
  return missing.length === 0
    ? { name: GUEST_PROGRAMS, ok: true, found: 'fsb-init, fsb-launch', hint: '' }
    : {
        name: GUEST_PROGRAMS,
        ok: false,
        found: `missing: ${missing.join(', ')}`,
        hint: 'Build them with: make -C guest',
      };
}

async function runtime(directory: string, { paths }: LocalCore): Promise<Check[]> {
  const driver = createOciDriver({
    runtime: 'runc',
    initBinary: join(directory, 'fsb-init'),
    launchBinary: join(directory, 'fsb-launch'),
    stateDir: paths.state,
    runDir: paths.run,
    log: pino({ level: 'silent' }),
    clock: systemClock,
  });
  const probe = await driver.probe();
  const found = probe.available
    ? `${probe.version} (the default: the kernel is the boundary)`
    : probe.problem;
  return [
    { name: `runtime ${probe.name}`, ok: probe.available, found, hint: probe.hint },
    {
      name: 'cgroups',
      ok: probe.cgroups !== '',
      found: probe.cgroups || 'none',
      hint: probe.cgroups === '' ? 'Mount one: mount -t cgroup2 none /sys/fs/cgroup' : '',
    },
  ];
}

const disk = async ({ paths }: LocalCore): Promise<Check> =>
  diskCheck(paths.state, await roomOf(await firstExisting(paths.state)));

/** As `-o json` shows it. */
type CheckView = Omit<Check, 'lacking'> & { lacking: boolean };

export function doctorListing(checks: Check[]): Listing<CheckView> {
  return {
    items: checks.map(({ name, ok, lacking = false, ...rest }) => ({ name, ok, lacking, ...rest })),
    columns: [
      { title: 'CHECK', value: (check) => check.name },
      {
        title: 'OK',
        value: ({ ok, lacking }) => (lacking ? 'no' : ok ? 'yes' : 'NO'),
        tone: toneOf,
      },
      { title: 'FOUND', folds: true, value: (check) => check.found },
    ],
    name: (check) => check.name,
  };
}

/** One that is well and has something to say is not as well as it could be. */
const toneOf = ({ ok, hint }: CheckView): Tone => {
  if (!ok) return 'bad';
  return hint === '' ? 'good' : 'busy';
};
