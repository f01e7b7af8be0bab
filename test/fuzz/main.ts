import { parseArgs } from 'node:util';
import { buildGuest } from '../helpers/guest-programs.ts';
import { fuzzTarIn } from './tar-in.ts';
import { fuzzUnpack } from './unpack.ts';

/** `npm run fuzz -- [--seconds N] [--seed N] [unpack] [tar-in]` */
const TARGETS: Record<string, typeof fuzzUnpack> = { unpack: fuzzUnpack, 'tar-in': fuzzTarIn };

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: `${Date.now()}` } },
  allowPositionals: true,
});
buildGuest();
for (const name of positionals.length > 0 ? positionals : Object.keys(TARGETS)) {
  const target = TARGETS[name];
  if (target === undefined)
    throw new Error(`${name} is no target; there are: ${Object.keys(TARGETS).join(', ')}`);
  const end = performance.now() + Number(values.seconds) * 1000;
  const rounds = await target(Number(values.seed), () => performance.now() < end);
  console.log(`${name}: ${rounds} rounds with seed ${values.seed}, nothing found`);
}
