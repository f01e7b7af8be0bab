import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealCore, repository, startRealCore } from '../../helpers/core/real-core.ts';
import { untilPool } from '../../helpers/pool/real-pool.ts';

/** Every command of docs/pool-server.md, as it stands there, on a real core; the answers are as the page shows them. */

const run = promisify(execFile);
const page = readFileSync(join(repository, 'docs/pool-server.md'), 'utf8');
const examples = [...page.matchAll(/```sh\n(.*?)```\n\n```json\n(.*?)```/gs)].map(([, command, answer]) => ({
  command: command!,
  answer: JSON.parse(answer!),
}));

const BASE = 'http://127.0.0.1:5758';
/** The id that the page has for the sandbox that it makes. */
const DOCUMENTED_ID = 'l2695b32c0d7ced1a';
/** What is another one each time; the page must have something of the same type. */
const volatile = new Set(['sandbox_ids', 'execution_time', 'created_at', 'updated_at', 'instance', 'uptime']);

function comparable(value: unknown, key = ''): unknown {
  if (volatile.has(key)) return Array.isArray(value) ? value.length : typeof value;
  // The page leaves the schemas out.
  if (key === 'available_tools') return typeof value;
  if (Array.isArray(value)) return value.map((each) => comparable(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, comparable(each, name)]));
}

let core: RealCore;
let id = DOCUMENTED_ID;
const hasCurl = spawnSync('curl', ['--version']).status === 0;

beforeAll(async () => {
  core = await startRealCore();
});
afterAll(() => core.close());

it('has examples, and a curl to run them with', () => {
  expect(examples.length).toBeGreaterThanOrEqual(9);
  expect(hasCurl, 'this test needs curl').toBe(true);
});

it.each(examples)('answers as the page says: $command', async ({ command, answer }) => {
  // The sandbox of the example before may still be on its way back.
  if (command.includes('/stats'))
    await untilPool(core.running.api, ({ idle, stopping }) => idle === 2 && stopping === 0, 'tool-pool');
  const here = command.replaceAll(BASE, core.running.status.http).replaceAll(DOCUMENTED_ID, id);
  const { stdout } = await run('sh', ['-c', here]);
  const given = JSON.parse(stdout);
  if (typeof given.sandbox_id === 'string') id = given.sandbox_id;
  const expected = JSON.parse(JSON.stringify(answer).replaceAll(DOCUMENTED_ID, id));
  expect(comparable(given)).toEqual(comparable(expected));
});
