import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import {
  canonicalReference,
  familiarName,
  familiarReference,
  parseReference,
  repositoryOf,
} from '../../../src/core/model/image/reference.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

describe('parseReference', () => {
  it.each([
    ['alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20', 'alpine:3.20'],
    ['host/tool', 'docker.io/host/tool:latest', 'host/tool:latest'],
    ['docker.io/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['index.docker.io/library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    ['localhost/a', 'localhost/a:latest', 'localhost/a:latest'],
    ['localhost:5000/a/b', 'localhost:5000/a/b:latest', 'localhost:5000/a/b:latest'],
    [`localhost:5000/a/b@${DIGEST}`, `localhost:5000/a/b@${DIGEST}`, `localhost:5000/a/b@${DIGEST}`],
    [`a:1@${DIGEST}`, `docker.io/library/a:1@${DIGEST}`, `a:1@${DIGEST}`],
    ['Registry/a', 'REGISTRY/a:latest', 'REGISTRY/a:latest'],
    ['LOCALHOST:5000/a', 'localhost:5000/a:latest', 'localhost:5000/a:latest'],
    ['LocalHost/a', 'localhost/a:latest', 'localhost/a:latest'],
    ['registry-1.docker.io/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['[::1]:5000/a', '[::1]:5000/a:latest', '[::1]:5000/a:latest'],
    ['quay.io/x__y/z-.w'.replace('-.', '--'), 'quay.io/x__y/z--w:latest', 'quay.io/x__y/z--w:latest'],
    ['localhost:5000', 'docker.io/library/localhost:5000', 'localhost:5000'],
  ])('%s is %s', (text, canonical, familiar) => {
    const reference = parseReference(text);
    expect(canonicalReference(reference)).toBe(canonical);
    expect(familiarReference(reference)).toBe(familiar);
    expect(parseReference(familiar)).toEqual(reference);
  });

  it.each([
    ['', 'empty'],
    ['Alpine', 'upper-case'],
    ['a//b', 'empty'],
    ['/a', 'empty'],
    ['a/', 'empty'],
    ['a:', 'not a tag'],
    ['a:-x', 'not a tag'],
    [`a:${'t'.repeat(129)}`, 'not a tag'],
    ['a@sha256:12', 'not a digest'],
    ['a@', 'not a digest'],
    [`a@${DIGEST.toUpperCase()}`, 'not a digest'],
    ['a b', 'not a name'],
    ['a___b', 'not a name'],
    ['a..b', 'not a name'],
    ['../a', 'not a registry'],
    ['-x.io/a', 'not a registry'],
    ['a:b:c/d', 'not a registry'],
    ['0a'.repeat(32), '64 hexadecimal'],
    ['a'.repeat(250), 'longer than 255'],
    ['a\0b', 'not a name'],
  ])('refuses %j: %s', (text, reason) => {
    expect(() => parseReference(text)).toThrow(reason);
  });

  it('hints at no name that is none either, and says a name once', () => {
    expect(() => parseReference('Bad Name')).toThrow(
      expect.objectContaining({
        message: 'invalid image name "Bad Name": it has upper-case letters',
        hint: expect.stringContaining('Names have lower-case letters'),
      }),
    );
  });

  it('throws nothing but invalid_argument, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aZ09.:/@-_[]~ \0'), maxLength: 40 }), (text) => {
        try {
          const reference = parseReference(text);
          expect(parseReference(canonicalReference(reference))).toEqual(reference);
          expect(parseReference(familiarReference(reference))).toEqual(reference);
        } catch (error) {
          expect(error).toBeInstanceOf(FsbError);
          expect((error as FsbError).code).toBe('invalid_argument');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('reads back every well-formed reference', () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,8})?$/);
    const domain = fc.constantFrom('docker.io', 'quay.io', 'localhost', 'localhost:5000', '10.0.0.1:80');
    const reference = fc.record({
      domain,
      path: fc.array(component, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')),
      tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
    });
    fc.assert(
      fc.property(reference, (wanted) => {
        expect(parseReference(canonicalReference(wanted))).toEqual(wanted);
        expect(parseReference(familiarReference(wanted))).toEqual(wanted);
      }),
    );
  });
});

describe('the forms of a reference', () => {
  it('knows the repository', () =>
    expect(repositoryOf(parseReference('alpine:3'))).toBe('docker.io/library/alpine'));
  it('leaves host alone', () => expect(familiarName('host')).toBe('host'));
  it('leaves what is no reference alone', () => expect(familiarName('NOT ONE')).toBe('NOT ONE'));
});
