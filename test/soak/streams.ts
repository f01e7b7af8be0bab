import type { CoreApi } from '../../src/core/api/core-api.ts';
import { wholeLog } from '../../src/core/model/logs.ts';
import type { Sandbox } from '../../src/core/model/sandbox/sandbox.ts';
import { request, said } from '../helpers/core/crash/sessions.ts';
import { numbersProblem } from '../helpers/core/storm/promises.ts';

/** What is wrong with what a counting sandbox says, if anything; each of these leaves nothing. */
type Look = (api: CoreApi, box: Sandbox, random: (below: number) => number) => Promise<string | undefined>;

/** Leaves while the sandbox goes on writing. */
export const followProblem: Look = async ({ sandboxes }, box, random) => {
  const text = await first(random, sandboxes.logs(box, { ...wholeLog, follow: true }));
  return named('its log, followed', numbersProblem(text, box.generation));
};

/** From its beginning; leaves while the sandbox goes on writing. */
export const attachProblem: Look = async ({ sandboxes }, box, random) => {
  const session = await sandboxes.attach(box, { stdin: false, replay: true });
  session.exited.catch(() => {});
  try {
    return named('attached', numbersProblem(await first(random, session.output), box.generation));
  } finally {
    await session.close();
  }
};

/** Some megabytes of output, every byte of which is looked at. */
export const floodProblem: Look = async ({ sandboxes }, box, random) => {
  const count = 150_000 + random(300_000);
  const { text, code } = await said(await sandboxes.exec(box, request('seq', '1', `${count}`)));
  const lines = text.split('\n');
  const wrong = lines.findIndex((line, at) => line !== (at < count ? `${at + 1}` : ''));
  if (wrong < 0 && lines.length === count + 1 && code === 0) return undefined;
  return `seq ${count} ended with ${code} after ${lines.length} lines, line ${wrong} is ${JSON.stringify(lines[wrong])}`;
};

/** What `cp` does: a tool in the guest, whose tar is read to its end. */
export const copyProblem: Look = async ({ sandboxes }, box) => {
  const tool = { ...request('tar-out', '--', '/etc/hostname'), guestTool: true as const };
  const { text, code } = await said(await sandboxes.exec(box, tool));
  return code === 0 && text.includes('hostname') ? undefined : `tar-out ended with ${code}`;
};

async function first(
  random: (below: number) => number,
  pieces: AsyncIterable<{ data: Buffer }>,
): Promise<string> {
  let text = '';
  let left = 1 + random(20);
  for await (const { data } of pieces) {
    text += data;
    if (--left === 0) break;
  }
  return text;
}

const named = (what: string, problem: string | undefined): string | undefined =>
  problem && `${what}: ${problem}`;
