import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Challenge, parseChallenges } from '../../../../src/core/image/registry/challenge.ts';

const plain = (challenges: Challenge[]) =>
  challenges.map(({ scheme, parameters }) => ({ scheme, parameters: { ...parameters } }));

describe('challenges', () => {
  it.each([
    ['', []],
    ['Basic', [{ scheme: 'basic', parameters: {} }]],
    ['Basic realm="a b"', [{ scheme: 'basic', parameters: { realm: 'a b' } }]],
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: {
            realm: 'https://auth.docker.io/token',
            service: 'registry.docker.io',
            scope: 'repository:a/b:pull,push',
          },
        },
      ],
    ],
    [
      'Negotiate, BEARER Realm = "a\\"b" , service=c, Basic realm=d',
      [
        { scheme: 'negotiate', parameters: {} },
        { scheme: 'bearer', parameters: { realm: 'a"b', service: 'c' } },
        { scheme: 'basic', parameters: { realm: 'd' } },
      ],
    ],
    [
      'Negotiate YWJj==, Basic realm="x"',
      [
        { scheme: 'negotiate', parameters: {} },
        { scheme: 'basic', parameters: { realm: 'x' } },
      ],
    ],
    ['Bearer realm="without an end', [{ scheme: 'bearer', parameters: {} }]],
    ['Bearer __proto__="x"', [{ scheme: 'bearer', parameters: Object.fromEntries([['__proto__', 'x']]) }]],
  ])('%s', (header, expected) => {
    expect(plain(parseChallenges(header)).slice(0, expected.length)).toEqual(expected);
  });

  const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  const value = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  });
  const challenge = fc.record({
    scheme: token,
    parameters: fc.dictionary(token, value, { minKeys: 1, noNullPrototype: true }),
  });
  const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  const write = ({ scheme, parameters }: { scheme: string; parameters: Record<string, string> }): string =>
    `${scheme} ${Object.entries(parameters)
      .map(([name, text]) => `${name}=${quote(text)}`)
      .join(',')}`;

  it('reads whatever a server can write', () => {
    fc.assert(
      fc.property(fc.array(challenge), (challenges) => {
        expect(plain(parseChallenges(challenges.map(write).join(', ')))).toEqual(challenges);
      }),
    );
  });

  it('ends on any text', () => {
    const odd = fc.string({ unit: fc.constantFrom('a', ' ', '=', ',', '"', '\\', '/', '\t', 'é') });
    fc.assert(fc.property(odd, (text) => parseChallenges(text).length <= text.length));
  });
});
