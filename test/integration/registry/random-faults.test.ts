import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256 } from '../../helpers/image/image-files.ts';
import { type ClientFixture, createClient, readWhole } from '../../helpers/image/registry/client-fixture.ts';
import { startRegistry, type TestRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../../helpers/image/registry/fault-proxy.ts';
import { pushBlob } from '../../helpers/image/registry/push.ts';

const content = randomBytes(150_000);
const blob = { digest: sha256(content), size: content.length };

let registry: TestRegistry;
let proxy: FaultProxy;
let client: ClientFixture;

beforeAll(async () => {
  registry = await startRegistry();
  proxy = await startFaultProxy(registry.url);
  await pushBlob(registry, 'tool', content);
  client = await createClient();
  await client.configure(`registries: { "${proxy.address}": { insecure: true } }`);
});
afterAll(async () => {
  await client.close();
  await Promise.all([proxy.stop(), registry.stop()]);
});

const bytes = fc.integer({ min: 0, max: content.length });
const fault: fc.Arbitrary<Partial<Fault>> = fc.oneof(
  fc.record({ cutAfter: bytes }),
  fc.record({ cutAfter: bytes, ignoreRange: fc.constant(true) }),
  fc.record({ status: fc.constantFrom(500, 503, 429, 408) }),
  fc.record({ refuse: fc.constant(true) }),
  fc.record({ ignoreRange: fc.constant(true) }),
);

it('whatever goes wrong on the way, a blob is whole or its reader gets an error, and no byte comes twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 8 }), bytes, async (faults, offset) => {
      proxy.reset();
      proxy.add(...faults.map((it) => ({ on: /blobs/, times: 1, ...it })));
      const repository = await client.open(proxy.address, 'tool');
      const rest = content.subarray(offset);
      const read = await readWhole(repository, blob, { offset }).catch((error) => error);
      if (read instanceof Error) {
        // Only after five attempts that brought nothing.
        expect(read).toMatchObject({ code: 'unavailable' });
        expect(faults.length).toBeGreaterThanOrEqual(5);
      } else expect(read.equals(rest)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
