import fc from 'fast-check';
import { it } from 'vitest';
import { properties } from '../../fuzz/properties.ts';

it.each(Object.entries(properties))(
  '%s: whatever comes is taken or refused in words',
  async (_, { runs, property }) => {
    await fc.assert(property(), { numRuns: runs });
  },
);
