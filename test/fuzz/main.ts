import { parseArgs } from 'node:util';
import { buildGuest } from '../helpers/guest/guest-programs.ts';
import { failWithUsage, positive, wordsOr } from '../helpers/usage-error.ts';
import { fuzzDecompress } from './decompress.ts';
import { hostileGuestProperty, twoGuests } from './hostile-guest.ts';
import { libFuzzer } from './lib-fuzzer.ts';
import { properties } from './properties.ts';
import { rawClientsProperty } from './raw-clients.ts';
import { serveNothing } from './refusing-core.ts';
import { askNothing, rpcBodiesProperty } from './rpc-bodies.ts';
import { fuzzTarIn } from './tar-in.ts';
import { forProperty, forPropertyOf, type Target } from './target.ts';
import { fuzzUnpack } from './unpack.ts';

const forSeconds =
  (fuzz: typeof fuzzUnpack): Target =>
  (seed, seconds) => {
    const end = performance.now() + seconds * 1000;
    return fuzz(seed, () => performance.now() < end);
  };

/** `npm run fuzz -- [--seconds N] [--seed N] [TARGET]...` */
const TARGETS: Record<string, Target> = {
  unpack: forSeconds(fuzzUnpack),
  decompress: forSeconds(fuzzDecompress),
  'tar-in': forSeconds(fuzzTarIn),
  ...Object.fromEntries(
    Object.entries(properties).map(([name, { property }]) => [name, forProperty(property)]),
  ),
  'rpc-bodies': forPropertyOf(askNothing, rpcBodiesProperty),
  'raw-clients': forPropertyOf(serveNothing, rawClientsProperty),
  'hostile-guest': forPropertyOf(twoGuests, hostileGuestProperty),
  mark: libFuzzer('mark'),
  frame: libFuzzer('frame'),
  channel: libFuzzer('channel'),
};

const USAGE = `usage: npm run fuzz -- [--seconds N] [--seed N] [TARGET]...
targets: ${Object.keys(TARGETS).join(', ')}`;
const { values, positionals } = wordsOr(USAGE, () =>
  parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: `${Date.now()}` },
      help: { type: 'boolean', short: 'h' },
    },
    allowPositionals: true,
  }),
);
if (values.help) {
  console.log(USAGE);
  process.exit();
}
const seconds = positive(USAGE, '--seconds', values.seconds);
const seed = positive(USAGE, '--seed', values.seed);
const unknown = positionals.find((name) => !Object.hasOwn(TARGETS, name));
if (unknown !== undefined) failWithUsage(USAGE, `${unknown} is no target`);
buildGuest();
// A clock of the core keeps no process alive, and a server that closes may wait for nothing else.
const alive = setInterval(() => {}, 60_000);
for (const name of positionals.length > 0 ? positionals : Object.keys(TARGETS)) {
  const rounds = await TARGETS[name]!(seed, seconds);
  console.log(`${name}: ${rounds} rounds with seed ${seed}, nothing found`);
}
clearInterval(alive);
