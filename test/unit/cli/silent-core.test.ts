import { expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { startCommandLine } from '../../helpers/cli/command-line.ts';
import { gate } from '../../helpers/gate.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const never = (): Promise<never> => new Promise(() => {});
const LINE = 'The core does not answer: see fsb-ctl doctor\n';

/** What a person reads of a command that has taken so long, in milliseconds. */
async function readAfter(ms: number, info: () => Promise<unknown>, tty = true): Promise<string> {
  const clock = createManualClock();
  const asked = gate();
  const get = (_: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
    asked.open();
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const core = { sandboxes: { get }, system: { info }, close: async () => {} } as unknown as CoreApi;
  const line = startCommandLine(['get', 'box'], { core, clock, tty });
  await asked.promise;
  await clock.advance(ms);
  const { text } = line.stderr;
  line.events.emit('SIGINT');
  expect(await line.code).toBe(130);
  return text;
}

it('a person who waits is told that the core does not answer', async () => {
  expect(await readAfter(7_999, never)).toBe('');
  expect(await readAfter(8_000, never)).toBe(LINE);
});

it('says nothing where only the call takes long, and to nobody who is not there', async () => {
  expect(await readAfter(60_000, async () => ({}))).toBe('');
  expect(await readAfter(60_000, never, false)).toBe('');
});
