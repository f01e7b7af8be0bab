import { parseArgs } from 'node:util';
import { buildGuest } from '../helpers/guest/guest-programs.ts';
import { fuzzDecompress } from './decompress.ts';
import { fuzzMark } from './mark.ts';
import { fuzzTarIn } from './tar-in.ts';
import { fuzzUnpack } from './unpack.ts';

/** @returns rounds. @throws with what it found */
type Target = (seed: number, seconds: number) => Promise<number>;

const forSeconds =
  (fuzz: typeof fuzzUnpack): Target =>
  (seed, seconds) => {
    const end = performance.now() + seconds * 1000;
    return fuzz(seed, () => performance.now() < end);
  };

/** `npm run fuzz -- [--seconds N] [--seed N] [unpack|decompress|mark|tar-in]...` */
const TARGETS: Record<string, Target> = {
  unpack: forSeconds(fuzzUnpack),
  decompress: forSeconds(fuzzDecompress),
  mark: fuzzMark,
  'tar-in': forSeconds(fuzzTarIn),
};

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: `${Date.now()}` } },
  allowPositionals: true,
});
buildGuest();
for (const name of positionals.length > 0 ? positionals : Object.keys(TARGETS)) {
  const target = TARGETS[name];
  if (target === undefined)
    throw new Error(`${name} is no target; there are: ${Object.keys(TARGETS).join(', ')}`);
  const rounds = await target(Number(values.seed), Number(values.seconds));
  console.log(`${name}: ${rounds} rounds with seed ${values.seed}, nothing found`);
}
