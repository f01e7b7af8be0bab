import { expect, it } from 'vitest';
import type { PoolPolicyInput } from '../../../../src/core/model/pool/pool-policy.ts';
import { failure } from '../../../helpers/core/controller-world.ts';
import { openNodeWorld, settle } from '../../../helpers/core/node-world.ts';

const two: PoolPolicyInput = {
  name: 'two',
  warm: [{ image: 'host', count: 1 }],
  capacity: { max: 3, buffer_min: 0, buffer_max: 0 },
  resources: { memory: '256m' },
};

it.each(['stop', 'drain', 'update'] as const)(
  'a pool %s that waits behind a delete finds no pool, and does not bring it back',
  async (what) => {
    const { admin, tables } = await openNodeWorld();
    await admin.create(two);
    await settle();
    const deleting = admin.delete('two');
    const waiting = failure(what === 'update' ? admin.update('two', { start: true }) : admin[what]('two'));
    await deleting;
    expect((await waiting).code).toBe('not_found');
    const { admin: next } = await openNodeWorld({}, tables);
    expect((await next.list()).map(({ name }) => name)).toEqual(['default-pool']);
  },
);
