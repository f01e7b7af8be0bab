import { expect, it } from 'vitest';
import { z } from 'zod';
import { describeIssues } from '../../../src/core/model/failure/issues.ts';

const schema = z.strictObject({
  mode: z.enum(['fast', 'strong']).optional(),
  version: z.literal(1).optional(),
  namespaces: z.union([z.literal('all'), z.array(z.string())]).optional(),
  tokens: z.array(z.strictObject({ name: z.string(), scopes: z.array(z.enum(['read', 'use'])) })).optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
const keys = [...Object.keys(schema.shape), 'tokens.name', 'tokens.scopes'];
const describe = (value: unknown) => describeIssues(schema.safeParse(value).error!.issues, keys);

it.each([
  [{ mode: 'slow' }, 'mode: must be one of fast, strong'],
  [{ mode: 7 }, 'mode: must be one of fast, strong'],
  [{ version: 2 }, 'version: must be 1'],
  [{ namespaces: 'some' }, 'namespaces: must be all or a list'],
  [
    { tokens: [{ name: 'ci', scopes: ['read', 'superuser'] }] },
    'tokens.0.scopes.1: must be one of read, use',
  ],
])('says of %j which words are known, in our own words', (value, line) => {
  expect(describe(value).lines).toEqual([line]);
});

it.each([
  [{ tokens: [{ name: 'ci', scopes: [], token: 'secret' }] }, 'Keys are name, scopes.'],
  [{ tokens: [{ name: 'ci', scopes: [], scope: 'read' }] }, 'Did you mean tokens.scopes?'],
  [{ tokens: [{ name: 'ci', scopes: [], labels: {} }] }, 'Did you mean labels?'],
  [{ token: [] }, 'Did you mean tokens?'],
  [{ what: 1 }, 'Keys are mode, version, namespaces, tokens, labels.'],
])('says of a wrong key in %j what may stand there: %s', (value, hint) => {
  expect(describe(value).hint).toBe(hint);
});
