import { debianImage } from '../../helpers/image/images/debian-image.ts';
import { type BenchCore, binary, startBenchCore } from '../core/bench-core.ts';
import { type Figures, figures, sample } from '../figures/stats.ts';
import { withFirstByte } from '../processes/whole-process.ts';

const IMAGE = 'debian:test';
const HELLO = ['echo', 'hello'];

/** A command in a sandbox of an image that is here: of a shape that nobody has booted before, and of a warm one. */
export async function imageRunGroup(scale: number): Promise<Figures[]> {
  await using core = await startBenchCore({ flags: ['--warm', 'host=0', '--max', '16'] });
  const { layout } = await debianImage();
  await core.api.images.import({ source: { path: layout } });
  const cold = await sample(Math.ceil(40 * scale), (run) => coldCreate(core, run));
  const { env } = core;
  const runs = Math.ceil(20 * scale);
  const run = [binary, 'run', 'once', '--rm', '--image', IMAGE];
  // The shell makes each one another shape.
  const coldRun = await withFirstByte(
    'run of Debian, cold',
    ['sh', '-c', `exec "$@" --pids "$((1000 + $$))" -- echo hello`, 'sh', process.execPath, ...run],
    { runs, env },
  );
  await core.api.pools.create({
    name: 'warm-image',
    warm: [{ image: IMAGE, count: 4 }],
    capacity: { max: 16 },
  });
  const warmRun = await withFirstByte(
    'run of Debian, warm',
    [process.execPath, ...run, '--pool', 'warm-image', '--', ...HELLO],
    { runs, env },
  );
  return [
    figures('cold create of Debian, image present', cold, { budget: 'p50 60' }),
    ...coldRun,
    ...warmRun,
  ];
}

/** Up to the answer. */
async function coldCreate(core: BenchCore, run: number): Promise<number> {
  const ref = { namespace: 'bench', name: `image-${run}` };
  const begin = performance.now();
  await core.api.sandboxes.create({
    ...ref,
    spec: { image: IMAGE, command: ['sleep', '600'], resources: { pids: 300 + run } },
  });
  const elapsed = performance.now() - begin;
  await core.api.sandboxes.delete(ref, { grace: 0 });
  return elapsed;
}
