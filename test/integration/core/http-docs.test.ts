import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealCore, repository, startRealCore } from '../../helpers/core/real-core.ts';

/** Every command of docs/http-api.md, as it stands there, on a real core; the answers are as the page shows them. */

const run = promisify(execFile);
const page = readFileSync(join(repository, 'docs/http-api.md'), 'utf8');
const examples = [...page.matchAll(/```sh\n(.*?)```\n\n```json\n(.*?)```/gs)].map(([, command, answer]) => ({
  command: command!,
  answer: answer!,
}));

/** The page's commands need it, the core does not. */
const hasJq = spawnSync('jq', ['--version']).status === 0;

let core: RealCore;
beforeAll(async () => {
  core = await startRealCore();
});
afterAll(() => core.close());

const compact = (json: string): string => json.replaceAll(/\s+/g, '');

it('has examples', () => expect(examples.length).toBeGreaterThanOrEqual(7));

it.skipIf(!hasJq).each(examples)('answers as the page says: $command', async ({ command, answer }) => {
  const here = command.replaceAll('http://127.0.0.1:5758', core.running.status.http);
  const { stdout } = await run('bash', ['-o', 'pipefail', '-ec', here]);
  expect(compact(stdout)).toBe(compact(answer));
});
