import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import type { RecordTable } from '../../../../src/core/store/store.ts';
import { controllerWorld as world } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import type { ScriptedAgent } from '../../../helpers/core/scripted-agent.ts';

const box = { namespace: 'default', name: 'box' };
const never = new Promise<never>(() => {});

/** What counts the steps of a core that reach a disk or the node, and stops it for ever at one of them. */
class Fuse {
  steps = 0;
  readonly #at: number;
  readonly #blown: () => void;

  constructor(at: number, blown: () => void) {
    this.#at = at;
    this.#blown = blown;
  }

  /** Before each effect, and after it: a core may be killed before it learns of it. */
  wrap<A extends unknown[], R>(effect: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      await this.#step();
      const result = await effect(...args);
      await this.#step();
      return result;
    };
  }

  async #step(): Promise<void> {
    this.steps += 1;
    if (this.steps > this.#at) await never;
    if (this.steps < this.#at) return;
    this.#blown();
    await never;
  }
}

function fused(records: RecordTable<Sandbox>, agent: ScriptedAgent, fuse: Fuse): void {
  const { api } = agent;
  records.put = fuse.wrap(records.put);
  records.remove = fuse.wrap(records.remove);
  for (const call of ['start', 'stop', 'forget', 'pause', 'unpause', 'update', 'rename'] as const)
    api[call] = fuse.wrap(api[call] as (...args: unknown[]) => Promise<never>);
}

type World = ReturnType<typeof world>;

/** The core that comes after this one, recovered. */
async function nextCore({ controller, records, agent }: World): Promise<World> {
  controller.close();
  const after = world(memoryTable<Sandbox>([...records.entries()]));
  for (const part of ['held', 'files', 'given', 'limits', 'names'] as const)
    after.agent[part] = new Map(agent[part] as Map<string, never>);
  await after.controller.recover();
  return after;
}

/** Makes the sandbox ready for an operation; the core that is to be killed may be another one then. */
type Prepare = (first: World) => Promise<World>;
type Operation = (before: World) => Promise<unknown>;

/** Kills the core at the given step of the operation. @returns the next core; undefined: it came to its end */
async function killedAt(
  step: number,
  prepare: Prepare,
  operation: Operation,
): Promise<{ after: World; made: Sandbox } | undefined> {
  const first = world();
  const made = await first.create('box');
  const before = await prepare(first);
  let blown = (): void => {};
  const killed = new Promise<'killed'>((resolve) => {
    blown = () => resolve('killed');
  });
  fused(before.records, before.agent, new Fuse(step, blown));
  const outcome = await Promise.race([operation(before).then(() => 'done'), killed]);
  return outcome === 'done' ? undefined : { after: await nextCore(before), made };
}

/** Kills it at every step in turn. */
async function atEveryStep(
  prepare: Prepare,
  operation: Operation,
  check: (after: World, made: Sandbox, step: number) => Promise<void>,
): Promise<void> {
  let step = 1;
  for (;;) {
    const cut = await killedAt(step, prepare, operation);
    if (cut === undefined) break;
    await check(cut.after, cut.made, step);
    step += 1;
  }
  expect(step).toBeGreaterThan(2);
}

/** One sandbox, one record, and on the node nothing but what that refers to. */
async function whole({ controller, agent, records }: World): Promise<Sandbox> {
  const [sandbox, ...others] = await controller.list({});
  expect(others).toEqual([]);
  expect([...records.entries()]).toHaveLength(1);
  const ours = [sandbox!.id, ...(sandbox!.previous?.files ? [sandbox!.previous.id] : [])];
  for (const id of [...agent.held.keys(), ...agent.files.keys()]) expect(ours).toContain(id);
  return sandbox!;
}

const running: Prepare = async (first) => first;
const ready =
  (operation: Operation): Prepare =>
  async (first) => {
    await operation(first);
    return first;
  };
/** Its last core was killed in a start, before the node heard of it. */
const unbegun: Prepare = async (first) => {
  const stopped = await first.controller.stop(box);
  const { id } = stopped;
  const pending = {
    id: 'unbegun',
    generation: 2,
    previous: { id, files: true },
    state: { phase: 'Pending' } as const,
  };
  await first.records.put(id, { ...stopped, ...pending });
  return nextCore(first);
};
const stop: Operation = ({ controller }) => controller.stop(box);
const start: Operation = ({ controller }) => controller.start(box);
const restart: Operation = ({ controller }) => controller.restart(box);

const operations: [string, Prepare, Operation][] = [
  ['stop', running, stop],
  ['start', ready(stop), start],
  ['restart', running, restart],
  ['restart of what was killed in a start', unbegun, restart],
];

describe('a core that is killed at any step of', () => {
  it.each(operations)('%s loses no file, and can start it', async (_, prepare, operation) => {
    await atEveryStep(prepare, operation, async (after, made) => {
      const left = await whole(after);
      expect(['Running', 'Exited', 'Failed']).toContain(left.state.phase);
      const again = await after.controller.start(box);
      expect(again).toMatchObject({ state: { phase: 'Running' }, createdAt: made.createdAt });
      expect(again.previous).toBeUndefined();
      await whole(after);
      expect([...after.agent.files]).toEqual([[again.id, made.id]]);
    });
  });

  it.each([running, unbegun])('reset leaves the old one or a new one, and can reset it', async (prepare) => {
    await atEveryStep(
      prepare,
      ({ controller }) => controller.reset(box),
      async (after, made) => {
        const left = await whole(after);
        expect([made.id, left.id, undefined]).toContain(after.agent.files.get(left.id));
        const again = await after.controller.reset(box);
        await whole(after);
        expect([...after.agent.files]).toEqual([[again.id, again.id]]);
      },
    );
  });

  it.each([ready(restart), unbegun])('delete leaves nothing', async (prepare) => {
    await atEveryStep(
      prepare,
      ({ controller }) => controller.delete(box),
      async (after) => {
        // The next core goes on with a deletion that was begun, and may be through with it.
        await after.controller
          .delete(box)
          .catch((error) => expect(error).toMatchObject({ code: 'not_found' }));
        expect([...after.records.entries()]).toEqual([]);
        expect([after.agent.held.size, after.agent.files.size]).toEqual([0, 0]);
      },
    );
  });

  it('pause and unpause says what is', async () => {
    const pause: Operation = ({ controller }) => controller.pause(box);
    const unpause: Operation = ({ controller }) => controller.unpause(box);
    for (const [prepare, operation] of [
      [running, pause],
      [ready(pause), unpause],
    ] as const)
      await atEveryStep(prepare, operation, async (after) => {
        const { id, state } = await whole(after);
        const held = after.agent.held.get(id) as { paused?: true };
        expect(state).toMatchObject({ phase: 'Running' });
        expect((state as { paused?: true }).paused).toBe(held.paused);
      });
  });

  it('rename leaves one of the two names, and the other is free', async () => {
    await atEveryStep(
      running,
      ({ controller }) => controller.rename(box, 'crate'),
      async (after) => {
        const { id, name } = await whole(after);
        expect(after.agent.names.get(id)).toBe(`default/${name}`);
        expect(['box', 'crate']).toContain(name);
        await after.create(name === 'box' ? 'crate' : 'box');
      },
    );
  });

  it('update knows the limits that are', async () => {
    await atEveryStep(
      running,
      ({ controller }) => controller.update(box, { resources: { pids: 9 }, labels: { a: '1' } }),
      async (after, made) => {
        const { id, spec } = await whole(after);
        expect(spec.resources).toEqual(after.agent.limits.get(id) ?? made.spec.resources);
      },
    );
  });
});
