import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { readStatus } from '../../../src/core/root/status-file.ts';
import { Workbench } from '../../contract/workbench.ts';
import { webSocketHead } from '../../fuzz/raw-clients.ts';
import { Authority } from '../../helpers/core/certificates.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { leftovers } from '../../helpers/core/leftovers.ts';
import { LogFollower } from '../../helpers/core/log-followers.ts';
import { deafClient } from '../../helpers/core/raw-stream.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { until } from '../../helpers/core/waiting.ts';

const MIB = 1024 * 1024;
const FOLLOWERS = 200;
const EXECS = 100;
const CREATES = 30;
/** Of one writer. A log keeps more. */
const MANY_BYTES = 8 * MIB;
const SLOW = 8;

const TOKEN = 'token-of-the-load-test';
const authority = new Authority();
const ca = readFileSync(authority.ca);
const bench = new Workbench();
let root: string;
let core: CoreProcess;
let overTls: CoreApi;
let https: string;

beforeAll(async () => {
  root = await makeRoot();
  const security = { tls: authority.issue(), token: TOKEN };
  core = await startCoreProcess(root, { security, pool: { capacity: { max: 64 }, memory_budget: '512g' } });
  const { grpc, http } = (await readStatus(corePaths({ FSB_ROOT: root }, 0).status))!;
  https = new URL(http).host;
  overTls = connectCore({
    ...{ grpc: new URL(grpc).host, http: https },
    security: { token: TOKEN, tls: { ca } },
  });
});

afterAll(async () => {
  await overTls.close();
  bench.use(core.api);
  await bench.cleanUp();
  expect(await leftovers(core, root)).toEqual([]);
  await rm(root, { recursive: true });
  authority[Symbol.dispose]();
});

const descriptors = async ({ pid }: CoreProcess): Promise<number> =>
  (await readdir(`/proc/${pid}/fd`)).length;

/** KiB that the core had in memory at most since its start. */
const peakMemory = (): number =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${core.pid}/status`, 'utf8'))![1]);

/** A sandbox that writes what it is told. */
async function speaker(): Promise<{ box: Sandbox; main: ProcessSession; say(text: string): Promise<void> }> {
  const box = await bench.shell('echo begin; exec cat', { stdin: true });
  const main = await bench.core.sandboxes.attach(box, { stdin: true, replay: false });
  return { box, main, say: (text) => main.write(Buffer.from(text)) };
}

/** A stream that nobody reads. */
const deaf = (way: 'unix' | 'TLS', path: string): Promise<Socket> =>
  way === 'TLS'
    ? deafClient(https, webSocketHead(path, `Authorization: Bearer ${TOKEN}`), { ca })
    : deafClient(corePaths({ FSB_ROOT: root }, 0).httpSocket, webSocketHead(path));

async function isServed(box: Sandbox): Promise<void> {
  expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');
}

describe.each(['unix', 'TLS'] as const)('over %s', (way) => {
  beforeAll(() => bench.use(way === 'TLS' ? overTls : core.api));

  it('each of many followers hears each line, others are served, and nothing of them is left', async () => {
    const { box, main, say } = await speaker();
    await isServed(box);
    const before = { descriptors: await descriptors(core), memory: await core.memory() };
    const followers = Array.from({ length: FOLLOWERS }, () => new LogFollower(bench.core, box));
    await Promise.all(followers.map((follower) => follower.until('begin\n')));
    for (const line of ['one\n', 'two\n', 'three\n']) {
      await say(line);
      await Promise.all(followers.map((follower) => follower.until(line)));
      await isServed(box);
    }
    const heard = new Set(await Promise.all(followers.map((follower) => follower.until('three\n'))));
    expect([...heard]).toEqual(['begin\none\ntwo\nthree\n']);
    await Promise.all(followers.map((follower) => follower.close()));
    // A few more for instances that have been warmed since.
    await until(async () => (await descriptors(core)) < before.descriptors + FOLLOWERS / 10);
    const { heap, buffers } = await core.memory();
    expect(heap - before.memory.heap).toBeLessThan(8 * MIB);
    expect(buffers - before.memory.buffers).toBeLessThan(8 * MIB);
    await main.close();
    await bench.core.sandboxes.delete(box, { grace: 0 });
  });

  it('each of many commands that begin at once says what it says, and ends as it ends', async () => {
    const box = await bench.idle();
    const ends = Array.from({ length: EXECS }, async (_, n) => {
      const { stdout, status } = await bench.run(box, `echo ${n}; exit ${n % 7}`);
      return [stdout.toString(), status.code];
    });
    expect(await Promise.all(ends)).toEqual(Array.from({ length: EXECS }, (_, n) => [`${n}\n`, n % 7]));
    await bench.core.sandboxes.delete(box, { grace: 0 });
  });

  it('many sandboxes that are created at once all run', async () => {
    const boxes = await Promise.all(Array.from({ length: CREATES }, () => bench.idle()));
    await Promise.all(boxes.map(isServed));
    await Promise.all(boxes.map((box) => bench.core.sandboxes.delete(box, { grace: 0 })));
  });

  it('those who read slowly are held back alone, and hold little of the core', async () => {
    const box = await bench.idle();
    const talker = await bench.shell(`yes | head -c ${MANY_BYTES}; exec sleep 1000`);
    const paths = [`${talker.name}/logs?follow=1&stdout=1`, `${box.name}/exec?command=yes`];
    const before = peakMemory();
    const slow = await Promise.all(
      Array.from({ length: SLOW }, (_, n) =>
        deaf(way, `/api/v1/sandboxes/${bench.namespace}/${paths[n % 2]}`),
      ),
    );
    const drip = setInterval(() => slow.forEach((socket) => void socket.read(50)), 50);
    const fast = Array.from({ length: 3 }, async () => {
      const { stdout } = await bench.run(box, `yes | head -c ${MANY_BYTES}`);
      return stdout.length;
    });
    const followers = Array.from({ length: 3 }, async () => {
      let read = 0;
      const query = { follow: true, stdout: true, stderr: true };
      for await (const { data, dropped } of bench.core.sandboxes.logs(talker, query)) {
        expect(dropped).toBeUndefined();
        read += data.length;
        if (read >= MANY_BYTES) break;
      }
      return read;
    });
    expect(await Promise.all([...fast, ...followers])).toEqual(Array(6).fill(MANY_BYTES));
    // What they do not read comes at hundreds of megabytes a second.
    expect(peakMemory() - before).toBeLessThan(128 * 1024);
    clearInterval(drip);
    for (const socket of slow) socket.destroy();
    for (const each of [box, talker]) await bench.core.sandboxes.delete(each, { grace: 0 });
  });
});

describe('a core with few descriptors', () => {
  const LIMIT = 220;
  let place: string;
  let poor: CoreProcess;
  beforeAll(async () => {
    place = await makeRoot();
    poor = await startCoreProcess(place, { descriptors: LIMIT });
    bench.use(poor.api);
  });
  afterAll(async () => {
    await bench.cleanUp();
    expect(await leftovers(poor, place)).toEqual([]);
    await rm(place, { recursive: true });
  });

  it('refuses streams beyond them, serves those that it has, and takes others when some have gone', async () => {
    const { box, main, say } = await speaker();
    await isServed(box);
    const before = await descriptors(poor);
    const follower = (): LogFollower => new LogFollower(bench.core, box);
    const open: LogFollower[] = [];
    let refusal: unknown;
    while (refusal === undefined) {
      const one = follower();
      await one.until('begin\n').then(
        () => open.push(one),
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    expect(refusal).toMatchObject({
      ...{ code: 'no_capacity', message: `the core has too many files open (its limit is ${LIMIT})` },
      hint: expect.stringContaining('raise the limit of open files'),
    });
    expect(open.length).toBeGreaterThan(LIMIT / 2);
    // Of a crowd there may be too few even to be told; those that have a stream do not suffer from it.
    const crowd = Array.from({ length: LIMIT }, follower);
    const outcomes = Promise.allSettled(crowd.map((one) => one.until('begin\n')));
    for (const line of ['one\n', 'two\n']) {
      await say(line);
      await Promise.all(open.map((one) => one.until(line)));
    }
    for (const outcome of await outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^(no_capacity|unavailable)$/) });
    expect((await bench.core.sandboxes.get(box)).state.phase).toBe('Running');
    await Promise.all([...open, ...crowd].map((one) => one.close()));
    // Two warm instances may have come since.
    await until(async () => (await descriptors(poor)) <= before + 2);
    await isServed(box);
    await main.close();
  });
});
