import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { answers, make } from './boxes.ts';

const bystander = { namespace: 'default', name: 'bystander' };

const COUNT = 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done';

/** A sandbox that nothing is done to, and that counts in its log, a line for each number. */
export async function makeBystander(api: CoreApi): Promise<Sandbox> {
  const made = await make(api, COUNT, {}, bystander.name);
  await readLines(api, 1);
  return made;
}

/** It runs, its log has all that it ever wrote and goes on, and it answers. */
export async function expectUnharmed(api: CoreApi, before: Sandbox): Promise<void> {
  const now = await api.sandboxes.get(bystander);
  expect(now).toMatchObject({ id: before.id, generation: 1, state: { phase: 'Running' } });
  const written = (await readLines(api, 1)).length;
  const lines = await readLines(api, written + 1);
  expect(lines).toEqual(lines.map((_, n) => `${n}`));
  await answers(api, now);
}

/** Its whole log, as soon as that has so many lines. */
async function readLines(api: CoreApi, count: number): Promise<string[]> {
  let text = '';
  for await (const { data } of api.sandboxes.logs(bystander, { ...wholeLog, follow: true })) {
    text += data.toString();
    if (text.endsWith('\n') && text.split('\n').length > count) break;
  }
  return text.split('\n').slice(0, -1);
}
