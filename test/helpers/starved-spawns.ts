import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { decompressed } from '../../src/core/image/unpack/decompress.ts';
import { writeOverlayMarks } from '../../src/core/image/unpack/overlay-marks.ts';
import { acquireLock } from '../../src/core/lock.ts';
import { systemClock } from '../../src/core/model/clock.ts';
import { FsbError } from '../../src/core/model/errors.ts';
import { runProgram } from '../../src/core/runtime/oci/run-program.ts';

// Run with a low `ulimit -n`: starts every program that the core starts while no descriptor is left, and prints how
// each attempt ended. An error that nobody listens to ends this process with a stack trace instead.
const root = process.argv[2]!;
const zstd = Readable.from([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0])]);

const attempts: Record<string, () => Promise<unknown>> = {
  program: () => runProgram('/bin/true', [], { clock: systemClock, timeoutMs: 5_000 }),
  lock: () => acquireLock('/bin/true', '/no/lock', 1_000),
  marks: () => writeOverlayMarks(root, { whiteouts: ['gone'], opaqueDirectories: [] }),
  zstd: async () => {
    for await (const _ of decompressed(zstd, 'a layer'));
  },
};

// What the attempts load lazily must be loaded while there are descriptors.
await attempts.program!();
const taken: number[] = [];
const outcomes: Record<string, unknown> = {};
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // No descriptor is left.
}
for (const [name, attempt] of Object.entries(attempts)) {
  outcomes[name] = await attempt().then(
    () => 'succeeded',
    (error) => ({ code: FsbError.from(error).code, message: FsbError.from(error).message }),
  );
}
for (const descriptor of taken) closeSync(descriptor);
outcomes.after = await attempts.program!().then(() => 'succeeded');
process.stdout.write(JSON.stringify(outcomes));
if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
