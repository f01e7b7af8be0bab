import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { createLogStore } from '../../../src/core/logs/file-log-store.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { request, said } from '../../helpers/core/crash/sessions.ts';
import { deleteSandboxes } from '../../helpers/core/delete-sandboxes.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { traces } from '../../helpers/core/traces.ts';

const roots: string[] = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true, force: true });
});

async function newRoot(): Promise<string> {
  const root = await makeRoot();
  roots.push(root);
  return root;
}

async function endsClean(core: CoreProcess, root: string): Promise<void> {
  await deleteSandboxes(core.api.sandboxes);
  expect(await core.stop()).toBe(0);
  expect(await traces(root)).toEqual([]);
}

const MIB = 1024 * 1024;
const command = (script: string) => ({ image: 'host', command: ['sh', '-c', script] });
const ref = { namespace: 'default', name: 'flood' };

/** Lines that are numbers, each one more than the one before, but where bytes were dropped. */
class NumberedLines {
  /** The last whole one. */
  last = 0;
  bytes = 0;
  problem: string | undefined;
  #rest = '';
  #afterGap = false;

  push(data: Buffer, dropped = 0): void {
    this.bytes += data.length + dropped;
    if (dropped > 0) {
      this.#rest = '';
      this.#afterGap = true;
    }
    const lines = (this.#rest + data.toString('latin1')).split('\n');
    this.#rest = lines.pop()!;
    // The first one behind a gap may be the end of a line.
    if (this.#afterGap && lines.length > 0) {
      lines.shift();
      this.#afterGap = false;
      if (lines.length === 0) return;
      this.last = Number(lines[0]) - 1;
    }
    for (const line of lines) {
      if (Number(line) !== this.last + 1) this.problem ??= `${line} comes after ${this.last}`;
      this.last = Number(line);
    }
  }
}

async function bytesOfLogs(root: string): Promise<number> {
  const directory = join(root, 'state/logs');
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Lets it write on; resolves when it has come to the end of what it wrote before. */
async function begin({ api }: CoreProcess): Promise<void> {
  const session = await api.sandboxes.exec(ref, request('sh', '-c', 'echo > /go'));
  expect((await said(session)).code).toBe(0);
}

/** Resolves as soon as its log takes so many bytes. */
async function grownTo(root: string, bytes: number): Promise<void> {
  while ((await bytesOfLogs(root)) < bytes) await new Promise(setImmediate);
}

/** Of the numbers from 1 on, each with the end of its line. */
function bytesOfLines(count: number): number {
  let bytes = 0;
  for (let first = 1, digits = 1; first <= count; first *= 10, digits++)
    bytes += (Math.min(count + 1, first * 10) - first) * (digits + 1);
  return bytes;
}

/** What is in it while no core runs. */
async function logOnDisk(root: string): Promise<NumberedLines> {
  const directory = join(root, 'state/logs');
  const store = await createLogStore({ directory, clock: systemClock, log: pino({ level: 'silent' }) });
  const lines = new NumberedLines();
  const [id] = await store.list();
  for await (const { data, dropped } of store.read(id!, wholeLog)) lines.push(data, dropped);
  await store.close();
  return lines;
}

describe('a sandbox that writes at full speed while its core is killed, again and again', () => {
  it('has every line once, in its log and for who follows it, or is attached, all the time', async () => {
    const root = await newRoot();
    let core = await startCoreProcess(root, { logSize: 128 * MIB });
    // 47 MB in four parts, each of which waits until it is told to begin.
    const count = 6_000_000;
    const part = count / 4;
    const script = `mkfifo /go; for i in 0 1 2 3; do read _ < /go; seq $((i*${part}+1)) $(((i+1)*${part})); done; exit 4`;
    await core.api.sandboxes.create({ ...ref, spec: command(script) });
    const { grpcSocket, httpSocket } = corePaths({ FSB_ROOT: root }, 0);
    const client = connectCore({ grpc: `unix://${grpcSocket}`, http: `unix://${httpSocket}` });
    const followed = new NumberedLines();
    let dropped = 0;
    const following = (async () => {
      for await (const entry of client.sandboxes.logs(ref, { ...wholeLog, follow: true })) {
        dropped += entry.dropped ?? 0;
        followed.push(entry.data, entry.dropped);
      }
    })();
    const attached = new NumberedLines();
    const joined = await client.sandboxes.attach(ref, { stdin: false, replay: true });
    const watching = (async () => {
      let next = 0;
      for await (const { offset, data } of joined.output) {
        expect(offset).toBe(next);
        next += data.length;
        attached.push(data);
      }
      return joined.exited;
    })();
    for (const [n, bytes] of [MIB, 4 * MIB, 2 * MIB].entries()) {
      const begun = begin(core).catch(() => {});
      await grownTo(root, bytesOfLines(n * part) + bytes);
      await core.kill();
      await begun;
      // It was being written: the part has begun, and is not at its end.
      const { last, problem } = await logOnDisk(root);
      expect(problem).toBeUndefined();
      expect(last).toBeGreaterThan(n * part);
      expect(last).toBeLessThan((n + 1) * part);
      core = await startCoreProcess(root, { logSize: 128 * MIB });
    }
    await begin(core);
    expect(await core.api.sandboxes.wait(ref)).toMatchObject({ code: 4 });
    await following;
    expect(await watching).toEqual({ code: 4, signal: null });
    expect(attached).toMatchObject({ last: count, problem: undefined });
    const read = new NumberedLines();
    for await (const entry of core.api.sandboxes.logs(ref, wholeLog)) read.push(entry.data, entry.dropped);
    expect(followed).toMatchObject({ last: count, problem: undefined });
    expect(read).toMatchObject({ last: count, problem: undefined });
    expect(dropped).toBe(0);
    await client.close();
    await endsClean(core, root);
  }, 120_000);
});

describe('a sandbox that says more than its log keeps in less time than its reader needs to come', () => {
  it('has every line once for who attaches to what it has created, and over a kill', async () => {
    const root = await newRoot();
    const logSize = 12 * MIB;
    let core = await startCoreProcess(root, { logSize });
    const { grpcSocket, httpSocket } = corePaths({ FSB_ROOT: root }, 0);
    const client = connectCore({ grpc: `unix://${grpcSocket}`, http: `unix://${httpSocket}` });
    const count = 4_000_000;
    await client.sandboxes.create({ ...ref, spec: command(`seq ${count}; exit 4`), detached: false });
    // Long enough to say all of it.
    await setTimeout(500);
    const session = await client.sandboxes.attach(ref, { stdin: false, replay: true });
    const lines = new NumberedLines();
    let next = 0;
    for await (const { offset, data } of session.output) {
      expect(offset).toBe(next);
      const before = next;
      next += data.length;
      lines.push(data);
      if (before >= 16 * MIB || next < 16 * MIB) continue;
      await core.kill();
      core = await startCoreProcess(root, { logSize });
    }
    expect(lines).toMatchObject({ last: count, problem: undefined });
    expect(await session.exited).toEqual({ code: 4, signal: null });
    await client.close();
    await endsClean(core, root);
  }, 60_000);
});

describe('a flood of ten million lines', () => {
  it('ends in bounded room, whoever reads it and whoever does not, and each is told what was dropped', async () => {
    const root = await newRoot();
    const core = await startCoreProcess(root);
    const count = 10_000_000;
    const bytes = bytesOfLines(count);
    await core.api.sandboxes.create({
      ...ref,
      spec: command(`until [ -e /dev/shm/go ]; do sleep 0.05; done; seq 1 ${count}`),
    });
    const reader = () => core.api.sandboxes.logs(ref, { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    const [keen, idle] = [reader(), reader()];
    const idleLines = new NumberedLines();
    const first = idle.next();
    await said(await core.api.sandboxes.exec(ref, request('touch', '/dev/shm/go')));
    // One that does not read on until all is over.
    const begin = (await first).value!;
    idleLines.push(begin.data, begin.dropped);
    const keenLines = new NumberedLines();
    for (let step = await keen.next(); !step.done; step = await keen.next())
      keenLines.push(step.value.data, step.value.dropped);
    expect(await core.api.sandboxes.wait(ref)).toMatchObject({ code: 0 });

    let dropped = 0;
    for (let step = await idle.next(); !step.done; step = await idle.next()) {
      idleLines.push(step.value.data, step.value.dropped);
      dropped += step.value.dropped ?? 0;
    }
    for (const lines of [keenLines, idleLines])
      expect(lines).toMatchObject({ last: count, bytes, problem: undefined });
    expect(dropped).toBeGreaterThan(20_000_000);

    const kept = await bytesOfLogs(root);
    expect(kept).toBeLessThanOrEqual(3 * 16 * 1024 * 1024 + 100_000);
    const { logBytes } = await core.api.sandboxes.get(ref);
    expect(logBytes).toBeGreaterThan(32 * 1024 * 1024);
    expect(logBytes).toBeLessThanOrEqual(kept);
    expect((await core.api.system.info()).logBytes).toBe(logBytes);
    await endsClean(core, root);
  }, 180_000);
});
