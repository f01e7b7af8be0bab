import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { corePaths } from '../../../src/core/model/paths.ts';
import type { Sandbox, SandboxRef } from '../../../src/core/model/sandbox/sandbox.ts';
import { readStatus } from '../../../src/core/root/status-file.ts';
import {
  ListRequest,
  FastPathServiceService as service,
} from '../../../src/core/wire/gen/fastpath/v1/fastpath.ts';
import {
  channels,
  encodeAck,
  encodeFrame,
  LARGEST_OUTPUT_WINDOW,
  subprotocols,
} from '../../../src/core/wire/stream/frames.ts';
import { Workbench } from '../../contract/workbench.ts';
import { question, webSocketFrame, webSocketHead } from '../../fuzz/raw-clients.ts';
import { Authority } from '../../helpers/core/certificates.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { DeafWatches } from '../../helpers/core/deaf-watches.ts';
import { leftovers } from '../../helpers/core/leftovers.ts';
import { type MemoryGroup, memoryGroup } from '../../helpers/core/memory-group.ts';
import { deafClient, flood } from '../../helpers/core/raw-stream.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { sha256 } from '../../helpers/core/secure-core.ts';
import { numbersProblem, textOf } from '../../helpers/core/storm/promises.ts';
import { delay, logged, until } from '../../helpers/core/waiting.ts';

const MIB = 1024 * 1024;
/** A core with nothing to do takes 50 MiB. */
const TIGHT = 192 * MIB;

const bench = new Workbench();
let root: string;
let group: MemoryGroup;
let core: CoreProcess;

beforeEach(async () => {
  root = await makeRoot();
  group = await memoryGroup(TIGHT);
  core = await startCoreProcess(root, { procs: group.procs });
  bench.use(core.api);
});

afterEach(async () => {
  await bench.cleanUp();
  expect(await leftovers(core, root)).toEqual([]);
  await group[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

async function answers(box: Sandbox): Promise<void> {
  expect((await bench.run(box, 'echo hi')).stdout.toString()).toBe('hi\n');
}

const streamOf = ({ namespace, name }: Sandbox, stream: string): Buffer =>
  webSocketHead(`/api/v1/sandboxes/${namespace}/${name}/${stream}`);

/** Without windows of its own. */
const asKubernetes = (head: Buffer): string =>
  String(head).replace(subprotocols.own, subprotocols.kubernetes);

const tokenOf = (name: string): string => `token-of-the-tests-${name}`;

describe('a core with little memory', () => {
  it('stays within it whatever floods it, and serves the others', async () => {
    const box = await bench.idle();
    const talker = await bench.shell('exec yes');
    const { httpSocket } = corePaths({ FSB_ROOT: root }, 0);
    const deaf: Socket[] = [];
    const open = async (hello: Buffer | string): Promise<Socket> => {
      deaf.push(await deafClient(httpSocket, hello));
      return deaf.at(-1)!;
    };
    const endless = streamOf(box, 'exec?command=yes');
    const listing = question(
      service.listSandboxes.path,
      service.listSandboxes.requestSerialize(ListRequest.fromPartial({ allNamespaces: true })),
    );
    for (let i = 0; i < 4; i++) {
      await open(endless);
      await open(asKubernetes(endless));
      await open(streamOf(talker, 'logs?follow=1&stdout=1'));
    }
    for (let i = 0; i < 100; i++) await open(listing);
    await answers(box);

    const input = webSocketFrame(encodeFrame(channels.stdin, Buffer.from('x')));
    const reader = await open(streamOf(box, 'exec?command=cat&stdin=1'));
    const many = Buffer.concat(Array<Buffer>(1000).fill(input));
    expect(await flood(reader, many, 1000, () => bench.core.sandboxes.get(box))).toBeLessThan(1000);
    const liar = await open(endless);
    for (let told = 0; told < 500 && !liar.destroyed; told++) {
      liar.write(webSocketFrame(encodeAck(told * 64 * 1024)));
      await delay(1);
    }
    await answers(box);
    expect(await group.peak()).toBeLessThanOrEqual(TIGHT);
    expect(await group.kills()).toBe(0);
    for (const socket of deaf) socket.destroy();
    await answers(talker);
  });

  it('stays within it when many clients ask for the largest window, and do not read or leave', async () => {
    const box = await bench.idle();
    const { httpSocket } = corePaths({ FSB_ROOT: root }, 0);
    const keyOf = (n: number): string => `a-key-that-nobody-guesses-${n}`;
    const flooded = (n: number): Buffer =>
      streamOf(box, `exec?command=yes&window=${LARGEST_OUTPUT_WINDOW}&resume=${keyOf(n)}`);
    const deaf: Socket[] = [];
    for (let n = 0; n < 40; n++) {
      const socket = await deafClient(httpSocket, flooded(n));
      // Half of them vanish, when enough has come for them that they are streams.
      if (n % 2 === 0) deaf.push(socket);
      else await once(socket, 'readable').then(() => socket.destroy());
    }
    await answers(box);
    // What is on its way to nobody comes to rest.
    for (let before = -1; before < (await group.usage()) - MIB; await delay(300))
      before = await group.usage();
    await answers(box);
    expect(await group.peak()).toBeLessThanOrEqual(TIGHT);
    expect(await group.kills()).toBe(0);
    for (const socket of deaf) socket.destroy();
    await answers(box);
  });

  it('stays within it however many long specs it is told, starts again with them, and tells them to who does not read', async () => {
    using authority = new Authority();
    const { sandboxes } = core.api;
    // The kernel takes no longer one.
    const long = 'x'.repeat(100_000);
    const envs = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`LONG_${n}`, long]));
    const spec = { image: 'host', command: ['true'], envs };
    const made: SandboxRef[] = [];
    let refusal: Promise<unknown> | undefined;
    while (refusal === undefined && made.length < 1000) {
      const ref = bench.ref();
      await sandboxes.create({ ...ref, spec }).then(
        () => made.push(ref),
        (error: unknown) => {
          refusal = Promise.reject(error);
        },
      );
    }
    await expect(refusal).rejects.toMatchObject({ code: 'no_capacity' });
    expect(await core.stop()).toBe(0);
    const tokens = ['one', 'other'].map((name) => ({
      name,
      sha256: sha256(tokenOf(name)),
      scopes: ['read'],
    }));
    const tokenFile = join(root, 'tokens');
    await writeFile(tokenFile, JSON.stringify({ tokens }), { mode: 0o600 });
    core = await startCoreProcess(root, {
      ...{ procs: group.procs, security: { tls: authority.issue(), tokenFile } },
    });
    bench.use(core.api);
    expect(await core.api.sandboxes.list({})).toHaveLength(made.length);

    const { grpc } = (await readStatus(corePaths({ FSB_ROOT: root }, 0).status))!;
    const watchesOf = (name: string): DeafWatches =>
      new DeafWatches(new URL(grpc).host, { ca: authority.ca, token: tokenOf(name), count: 100 });
    using one = watchesOf('one');
    using other = watchesOf('other');
    await until(async () => one.cut > 0 && other.cut > 0);
    expect(await core.api.sandboxes.list({})).toHaveLength(made.length);
    expect(await group.peak()).toBeLessThanOrEqual(TIGHT);
    expect(await group.kills()).toBe(0);
  });

  it('that the kernel kills for it leaves its sandboxes alone, and the next one has all of them', async () => {
    const box = await bench.shell('i=0; while :; do echo line $i; i=$((i + 1)); sleep 0.001; done');
    const other = await bench.idle();
    await logged(bench, box, 'line 9\n');
    const killed = core;
    let isGone = false;
    void killed.gone.then(() => {
      isGone = true;
    });
    // What is free of it by itself is little; then it works, until that is not enough.
    await until(async () => {
      const isSet = await group.limit(Math.max((await group.usage()) - MIB, 8 * MIB)).then(
        () => true,
        () => false,
      );
      return !isSet || isGone;
    });
    const work = async (): Promise<void> => {
      while (!isGone)
        await bench
          .idle()
          .then((made) => bench.run(made, 'head -c 1000000 /dev/zero'))
          .catch(() => {});
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect(await group.kills()).toBeGreaterThan(0);

    await group.limit(TIGHT);
    core = await startCoreProcess(root, { procs: group.procs });
    bench.use(core.api);
    for (const one of [box, other]) {
      expect((await core.api.sandboxes.get(one)).state.phase).toBe('Running');
      await answers(one);
    }
    await core.api.sandboxes.stop(box, { grace: 0 });
    const text = await textOf(core.api, box);
    expect(numbersProblem(text.slice(0, text.lastIndexOf('\n') + 1))).toBeUndefined();
    await until(async () =>
      (await core.api.pools.status()).every(({ idle, warm, booting }) => idle >= warm && booting === 0),
    );
  });
});
