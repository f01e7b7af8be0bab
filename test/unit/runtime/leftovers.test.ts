import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Leftovers } from '../../../src/core/runtime/oci/leftovers.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

/** Some of whose removals end when they are told, or never. */
function world(count: number) {
  const begun: string[] = [];
  const endings = new Map<string, (why?: Error) => void>();
  const complaints: string[] = [];
  const clock = createManualClock();
  const log = pino(
    { level: 'warn' },
    { write: (line: string) => void complaints.push(JSON.parse(line).instance) },
  );
  const left = new Leftovers({
    remove: (id) => {
      begun.push(id);
      return new Promise((resolve, reject) => endings.set(id, (why) => (why ? reject(why) : resolve())));
    },
    ...{ clock, log },
  });
  for (let n = 0; n < count; n++) left.add(`i${n}`, {});
  return { left, begun, end: (id: string, why?: Error) => endings.get(id)!(why), complaints, clock };
}

it('are removed side by side at the end, four at a time', async () => {
  const { left, begun, end, complaints } = world(6);
  const closed = left.close();
  await turn();
  expect(begun).toEqual(['i0', 'i1', 'i2', 'i3']);
  end('i2');
  end('i0', new Error('held'));
  await turn();
  expect(begun).toEqual(['i0', 'i1', 'i2', 'i3', 'i4', 'i5']);
  for (const id of ['i1', 'i3', 'i4', 'i5']) end(id);
  await closed;
  expect(complaints).toEqual(['i0']);
});

it('have five seconds: what is not gone then is left to the next core, and not begun any more', async () => {
  const { left, begun, end, complaints, clock } = world(6);
  let isClosed = false;
  const closed = left.close().then(() => {
    isClosed = true;
  });
  await clock.advance(4_999);
  expect(isClosed).toBe(false);
  await clock.advance(1);
  await closed;
  for (const id of begun) end(id, new Error('killed'));
  await turn();
  expect(begun).toEqual(['i0', 'i1', 'i2', 'i3']);
  expect(complaints.sort()).toEqual(['i0', 'i1', 'i2', 'i3', 'i4', 'i5']);
});

it('do not count any more once they are gone', async () => {
  const { left, begun } = world(2);
  left.gone('i0');
  left.gone('i1');
  await left.close();
  expect(begun).toEqual([]);
  expect(left.has('i0')).toBe(false);
});
