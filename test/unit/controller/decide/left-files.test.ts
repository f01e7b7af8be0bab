import { beforeEach, describe, expect, it } from 'vitest';
import type { FilesRequest } from '../../../../src/core/api/agent-api.ts';
import type { ExecRequest } from '../../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { ProcessSession } from '../../../../src/core/model/process.ts';
import { controllerWorld, exit, failure } from '../../../helpers/core/controller-world.ts';

const box = { namespace: 'default', name: 'box' };
const tool = (...argv: string[]): ExecRequest => ({
  ...{ argv, env: {}, cwd: '', user: '', tty: false, stdin: false, guestTool: true },
});

let world: ReturnType<typeof controllerWorld>;
let asked: FilesRequest[];
beforeEach(async () => {
  world = controllerWorld();
  asked = [];
  world.agent.api.execOnFiles = async (files) => {
    asked.push(files);
    return {} as ProcessSession;
  };
  world.agent.api.exec = async () => {
    throw new FsbError('unsupported', 'it runs');
  };
});

const refusal = async (request: ExecRequest): Promise<[string, string]> => {
  const { code, message } = await failure(world.controller.exec(box, request));
  return [code, message];
};

describe('a tool that needs nothing but files', () => {
  it.each(['stat', 'tar-in', 'tar-out'])('runs on those of a sandbox that has ended: %s', async (name) => {
    const { id, spec } = await world.create('box', { envs: { A: '1' } });
    expect(await refusal(tool(name))).toEqual(['unsupported', 'it runs']);
    await world.agent.report(id, exit(3, 0));
    const before = await world.controller.get(box);
    await world.controller.exec(box, tool(name, '/'));
    expect(asked).toEqual([{ sandboxId: id, claimName: 'default/box', spec }]);
    expect(await world.controller.get(box)).toEqual(before);
  });

  it.each(['lost', 'expired'])('runs on those of a sandbox that is %s', async (how) => {
    const { id } = await world.create('box', { ttl: '1s' });
    if (how === 'lost') await world.agent.report(id, { state: 'lost', reason: 'gone' });
    else await world.clock.advance(1_000);
    await world.controller.exec(box, tool('stat', '/'));
    expect(asked).toMatchObject([{ sandboxId: id }]);
  });

  it('runs on those that the next start begins with, also after one that failed before it had them', async () => {
    const { id } = await world.create('box');
    await world.controller.stop(box);
    world.agent.beforeFiles = async () => {
      throw new FsbError('no_capacity', 'no room');
    };
    expect((await failure(world.controller.start(box))).code).toBe('no_capacity');
    await world.controller.exec(box, tool('stat', '/'));
    world.agent.beforeFiles = async () => {};
    world.agent.onStart = async () => {
      throw new FsbError('command_not_found', 'no such command');
    };
    await failure(world.controller.start(box));
    await world.controller.exec(box, tool('stat', '/'));
    const { id: latest } = await world.controller.get(box);
    expect(asked.map(({ sandboxId }) => sandboxId)).toEqual([id, latest]);
  });

  it('is refused while a sandbox is paused, starts, or is deleted', async () => {
    await world.create('box');
    await world.controller.pause(box);
    expect(await refusal(tool('stat'))).toEqual(['conflict', 'sandbox box is paused']);
    await world.controller.unpause(box);
    await world.controller.stop(box);
    world.agent.onStart = () => new Promise(() => {});
    void world.controller.start(box);
    await world.clock.advance(0);
    expect(await refusal(tool('stat'))).toEqual(['conflict', 'sandbox box is not running (Pending)']);
    world.agent.onStop = () => new Promise(() => {});
    void world.controller.delete(box);
    expect(await refusal(tool('stat'))).toEqual(['conflict', 'sandbox box is not running (Terminating)']);
    expect(asked).toEqual([]);
  });
});

describe('the log, after a start that failed before it had the files', () => {
  async function failedStart(): Promise<string> {
    const { id } = await world.create('box');
    await world.controller.stop(box);
    world.agent.beforeFiles = async () => {
      throw new FsbError('no_capacity', 'no room');
    };
    await failure(world.controller.start(box));
    return id;
  }

  it('is what `get` tells the size of', async () => {
    const id = await failedStart();
    world.agent.api.logBytes = async (of) => (of === id ? 7 : 0);
    expect((await world.controller.get(box)).logBytes).toBe(7);
  });

  it('is what is retained of it', async () => {
    const id = await failedStart();
    await world.controller.delete(box);
    expect(world.agent.retained.get(id)).toBe('default/box');
    expect(world.agent.forgotten).toHaveLength(2);
  });
});

it.each([
  ['another tool', tool('processes')],
  ['another tool', tool('connect', '80')],
  ['a command of the same name', { ...tool('stat'), guestTool: undefined }],
])('%s needs a sandbox that runs', async (_, request) => {
  const { id } = await world.create('box');
  await world.agent.report(id, exit(0, 0));
  expect(await refusal(request)).toEqual(['conflict', 'sandbox box is not running (Exited)']);
  expect(asked).toEqual([]);
});
