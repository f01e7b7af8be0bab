import fc from 'fast-check';
import { it } from 'vitest';
import { askNothing, rpcBodiesProperty } from '../../fuzz/rpc-bodies.ts';

it('whatever a question is, over gRPC and over HTTP, it is answered in our words', async () => {
  await using place = await askNothing();
  await fc.assert(rpcBodiesProperty(place), { numRuns: 300 });
});
