import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';

const nameOf = (n: number): string => `box-${String(n).padStart(2, '0')}`;

/** All pages, with something done between each two. */
async function pages(
  { controller }: ReturnType<typeof world>,
  limit: number,
  between: () => Promise<void> = async () => {},
): Promise<Sandbox[]> {
  const told: Sandbox[] = [];
  let token: string | undefined;
  do {
    const { items, next } = await controller.page({ limit, token });
    expect(items.length).toBeLessThanOrEqual(limit);
    told.push(...items);
    token = next;
    if (token !== undefined) await between();
  } while (token !== undefined);
  return told;
}

describe('a list in pages', () => {
  it('tells each that stays once, in order, whatever comes, goes and begins anew in between', async () => {
    const change = fc.tuple(fc.constantFrom('create', 'delete', 'reset'), fc.nat(19));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(19)),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 8 }),
        async (first, limit, rounds) => {
          const it = world();
          const ref = (n: number) => it.ref(nameOf(n));
          for (const n of first) await it.create(nameOf(n));
          const stayed = new Set(first);
          const told = await pages(it, limit, async () => {
            for (const [what, n] of rounds.shift() ?? []) {
              if (what === 'create') await it.create(nameOf(n)).catch(() => {});
              if (what === 'reset') await it.controller.reset(ref(n)).catch(() => {});
              if (what === 'delete') await it.controller.delete(ref(n)).catch(() => {});
              if (what === 'delete') stayed.delete(n);
            }
          });
          const names = told.map(({ name }) => name);
          expect(names).toEqual([...names].sort());
          for (const n of stayed) expect(names.filter((name) => name === nameOf(n))).toHaveLength(1);
        },
      ),
    );
  });

  it('is of one revision, and has all in one page when nobody asks for less', async () => {
    const it = world();
    for (const n of [1, 2, 3]) await it.create(nameOf(n));
    const first = await it.controller.page({ limit: 2 });
    await it.create(nameOf(4));
    const second = await it.controller.page({ limit: 2, token: first.next });
    expect(second).toMatchObject({
      revision: first.revision,
      items: [{ name: 'box-03' }, { name: 'box-04' }],
    });
    expect(second.next).toBeUndefined();
    const whole = await it.controller.page({ limit: 0 });
    expect(whole.items).toHaveLength(4);
    expect(whole.next).toBeUndefined();
    expect(whole.revision).not.toBe(first.revision);
  });

  it('keeps two of one name apart, of which one is on its way out', async () => {
    const it = world();
    const old = await it.create('box');
    it.agent.onStop = () => new Promise(() => {});
    await it.controller.delete(it.ref('box'), { wait: false });
    const young = await it.create('box');
    const ids = (await pages(it, 1)).map(({ id }) => id);
    expect(ids.sort()).toEqual([old.id, young.id].sort());
  });

  it('has as many in a page as are not too long together, and refuses to tell too much at once', async () => {
    const it = world();
    const args = ['x'.repeat(1_000_000)];
    for (let n = 10; n < 50; n++) await it.create(nameOf(n), { args });
    const { items, next } = await it.controller.page({ limit: 500 });
    expect([items.length, typeof next]).toEqual([4, 'string']);
    expect(await pages(it, 500)).toHaveLength(40);
    expect(await failure(it.controller.page({}))).toMatchObject({ code: 'no_capacity' });
  });

  it('refuses what is no token and no limit', async () => {
    const { controller } = world();
    const tokens = [
      '',
      'x',
      '%%%',
      Buffer.from('[1,2]').toString('base64url'),
      Buffer.from('null').toString('base64'),
    ];
    for (const token of tokens)
      expect(await failure(controller.page({ token }))).toMatchObject({ code: 'invalid_argument' });
    for (const limit of [-1, 1.5, Number.NaN])
      expect(await failure(controller.page({ limit }))).toMatchObject({ code: 'invalid_argument' });
  });
});
