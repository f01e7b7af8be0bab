import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { layoutFiles, sha256, tarOf } from '../../helpers/image/image-files.ts';
import { type ClientFixture, createClient, readWhole } from '../../helpers/image/registry/client-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { listen } from '../../helpers/image/registry/listening.ts';
import { pushBlob, pushImage } from '../../helpers/image/registry/push.ts';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.ts';

const content = randomBytes(200_000);
const blob = { digest: sha256(content), size: content.length };

let registry: TestRegistry;
let proxy: FaultProxy;
let clock: ManualClock;
let client: ClientFixture;

beforeAll(async () => {
  registry = await startRegistry();
  proxy = await startFaultProxy(registry.url);
  await pushImage(registry, 'tool', layoutFiles([{ layers: [await tarOf([{ name: 'a', content: 'a' }])] }]));
  await pushBlob(registry, 'tool', content);
});
afterAll(() => Promise.all([proxy.stop(), registry.stop()]));
beforeEach(async () => {
  proxy.reset();
  clock = createManualClock();
  client = await createClient({ clock });
  await client.configure(`registries: { "${proxy.address}": { insecure: true } }`);
});
afterEach(() => client.close());

/** A promise that the test resolves. */
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const open = () => client.open(proxy.address, 'tool');

it('a server that says nothing for half a minute is as good as gone', async () => {
  proxy.add({ on: /blobs/, times: 1, stallAfter: 100_000 });
  const told: string[] = [];
  const retried = deferred();
  const onRetry = (why: string) => {
    told.push(why);
    retried.resolve();
  };
  const pieces: Buffer[] = [];
  const half = deferred();
  const reading = (async () => {
    for await (const chunk of (await open()).blob(blob, { onRetry })) {
      pieces.push(chunk);
      if (Buffer.concat(pieces).length === 100_000) half.resolve();
    }
  })();
  await half.promise;
  await clock.advance(29_000);
  expect(told).toEqual([]);
  await clock.advance(1000);
  await retried.promise;
  expect(told[0]).toContain('nothing came for 30 s');
  await clock.advance(500);
  await reading;
  expect(Buffer.concat(pieces).equals(content)).toBe(true);
});

describe('a connection that is refused', () => {
  it('is not tried again when no registry has answered there: there is none', async () => {
    const gone = await listen(createServer());
    await gone.stop();
    await client.configure(`registries: { "${gone.address}": { insecure: true } }`);
    const told: string[] = [];
    const asked = (await client.open(gone.address, 'tool')).manifest('latest', {
      onRetry: (why) => void told.push(why),
    });
    await expect(asked).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the connection was refused'),
      hint: expect.stringContaining('whether it runs'),
    });
    expect([told, clock.pending]).toEqual([[], 0]);
  });

  it('is tried again when one has answered there: it is being restarted', async () => {
    const restarting = await startFaultProxy(registry.url);
    try {
      await client.configure(`registries: { "${restarting.address}": { insecure: true } }`);
      const repository = await client.open(restarting.address, 'tool');
      await repository.manifest('latest');
      await restarting.stop();
      const abort = new AbortController();
      const told: string[] = [];
      const onRetry = (why: string): void => {
        told.push(why);
        abort.abort();
      };
      const reading = readWhole(repository, blob, { signal: abort.signal, onRetry });
      await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
      expect(told).toEqual([expect.stringContaining('the connection was refused; trying again')]);
    } finally {
      await restarting.stop();
    }
  });
});

it('an abort ends a read under way and a wait for the next attempt', async () => {
  proxy.add({ on: /blobs/, times: 1, stallAfter: 1000 });
  const repository = await open();
  const controller = new AbortController();
  const reading = readWhole(repository, blob, { signal: controller.signal });
  await proxy.stalled();
  controller.abort();
  await expect(reading).rejects.toMatchObject({ code: 'cancelled' });

  proxy.add({ on: /manifests/, refuse: true });
  const second = new AbortController();
  const onRetry = () => second.abort();
  await expect(repository.manifest('latest', { signal: second.signal, onRetry })).rejects.toMatchObject({
    code: 'cancelled',
  });
  expect(clock.pending).toBe(0);
});

it('a reader that goes away closes its connection', async () => {
  proxy.add({ on: /blobs/, stallAfter: 1000 });
  for await (const _ of (await open()).blob(blob)) break;
  expect(clock.pending).toBe(0);
  expect((await readWhole(await open(), { digest: sha256(''), size: 0 })).length).toBe(0);
});

it('at most eight connections go to one host, and close ends them all', async () => {
  proxy.add({ on: /blobs/, stallAfter: 1000 });
  const repository = await open();
  const eighth = deferred();
  let begun = 0;
  const readings = Array.from({ length: 12 }, async () => {
    for await (const _ of repository.blob(blob)) {
      begun += 1;
      if (begun === 8) eighth.resolve();
    }
  });
  const results = Promise.allSettled(readings);
  await eighth.promise;
  expect(proxy.count(/blobs/)).toBe(8);
  await client.registries.close();
  for (const result of await results)
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
  expect(begun).toBe(8);
  await expect(open()).rejects.toMatchObject({ code: 'unavailable' });
  await client.registries.close();
});

it('a connection that the server has closed meanwhile is no failure', async () => {
  const repository = await open();
  const told: string[] = [];
  for (let count = 0; count < 20; count += 1) {
    await repository.manifest('latest', { onRetry: (why) => told.push(why) });
    proxy.hangUp();
  }
  expect(told).toEqual([]);
});

it('an abort ends a request that nobody has answered', async () => {
  const connected = deferred();
  const silent = await listen(createServer(() => connected.resolve()));
  try {
    await client.configure(`registries: { x.test: { mirrors: ["http://${silent.address}"] } }`);
    const repository = await client.open('x.test', 'tool');
    const controller = new AbortController();
    const reading = repository.manifest('latest', { signal: controller.signal });
    await connected.promise;
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
    expect(clock.pending).toBe(0);
  } finally {
    await silent.stop();
  }
});

it('connections are used again', async () => {
  const repository = await open();
  for (let count = 0; count < 5; count += 1) await repository.manifest('latest');
  expect(await proxy.connections()).toBeLessThanOrEqual(2);
});
