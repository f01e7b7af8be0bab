import fc from 'fast-check';
import { it } from 'vitest';
import { serveNothing } from '../../fuzz/refusing-core.ts';
import { rpcBodiesProperty } from '../../fuzz/rpc-bodies.ts';

it('whatever a question is, over gRPC and over HTTP, it is answered in our words', async () => {
  await using place = await serveNothing();
  await fc.assert(rpcBodiesProperty(place), { numRuns: 300 });
});
