import { describe, expect, it } from 'vitest';
import { makeGuest, otherArchitecture } from '../../helpers/guest/guest-programs.ts';

/** The tests that the C code has of its own: here under the sanitizers, for the other architecture under qemu. */

describe.each([process.arch, otherArchitecture!])('the C tests (%s)', (architecture) => {
  it('pass', () => {
    const said = makeGuest('test', `ARCH=${architecture}`);
    expect(said.match(/^\w+: \d+ passed, 0 failed$/gm)).toHaveLength(4);
  });
});
