import fc from 'fast-check';
import { it } from 'vitest';
import { hostileGuestProperty, twoGuests } from '../../fuzz/hostile-guest.ts';

it('whatever a guest says, its own instance ends and the others go on', async () => {
  await using place = await twoGuests();
  await fc.assert(hostileGuestProperty(place), { numRuns: 150 });
});
