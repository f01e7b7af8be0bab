import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

/** The node API as its controllers call it: literal JSON over plain HTTP. */
describe('the node API', { timeout: 60_000 }, () => {
  let core: RealCore;

  beforeAll(async () => {
    core = await startRealCore();
  });
  afterAll(() => core.close());

  const url = (path: string): string => `${core.running.status.http}/api/v1/agent/${path}`;

  async function post(path: string, body: string): Promise<[status: number, reply: unknown]> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url(path), { method: 'POST', headers, body });
    return [answer.status, await answer.json()];
  }

  it('creates, tells, logs until the end, and deletes', async () => {
    const script = 'echo $WHO in $PWD; read line < /tmp/go; echo bye >&2';
    const sandbox = {
      ...{ sandboxId: 'sb-42', claimUid: 'uid-1', claimName: 'claim-1', image: 'host' },
      ...{ cpu: '500m', memory: '128Mi', command: ['sh', '-c'] },
      ...{ args: [`mkfifo /tmp/go; ${script}`], env: { WHO: 'me' }, workingDir: '/srv/work' },
    };
    const [status, reply] = await post('create', JSON.stringify({ sandbox }));
    expect(status).toBe(200);
    expect(reply).toEqual({
      ...{ success: true, message: 'created', sandboxId: 'sb-42', createdAt: expect.any(Number) },
    });

    const told = (await (await fetch(url('status'))).json()) as Record<string, unknown>;
    const node = core.running.api.system.info().then((info) => info.node);
    expect(told).toEqual({
      ...{ agentId: await node, nodeName: await node, capacity: 64, allocated: 1, images: ['host'] },
      sandboxStatuses: [
        {
          ...{ sandboxId: 'sb-42', claimUid: 'uid-1', phase: 'Running', message: '' },
          createdAt: (reply as { createdAt: number }).createdAt,
        },
      ],
    });
    const [listed] = await core.running.api.sandboxes.list({ namespace: 'agent' });
    expect(listed).toMatchObject({
      name: 'sb-42',
      spec: { resources: { cpus: 0.5, memory: 128 * 1024 ** 2 } },
    });

    const logs = await fetch(url('logs?sandboxId=sb-42&follow=true'));
    expect(logs.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const reader = logs.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('me in /srv/work\n');
    const exec = {
      argv: ['sh', '-c', 'echo > /tmp/go'],
      env: {},
      cwd: '',
      user: '',
      tty: false,
      stdin: false,
    };
    await using session = await core.running.api.sandboxes.exec({ namespace: 'agent', name: 'sb-42' }, exec);
    await session.exited;
    expect((await reader.read()).value).toBe('bye\n');
    // It ends because the sandbox has ended.
    expect((await reader.read()).done).toBe(true);
    expect(await (await fetch(url('logs?sandboxId=sb-42'))).text()).toBe('me in /srv/work\nbye\n');

    expect(await post('delete', '{"sandboxId":"sb-42"}')).toEqual([
      200,
      { ...(reply as object), message: 'deleted' },
    ]);
    expect(await (await fetch(url('status'))).json()).toMatchObject({ allocated: 0, sandboxStatuses: [] });
  });

  it.each(['Pod_1/x', 'i'.repeat(249), 'i'.repeat(1000)])(
    'creates the same one once, whatever its id looks like: %s',
    async (sandboxId) => {
      const sandbox = { sandboxId, image: 'host', command: ['sleep', '1000'], args: null, env: null };
      const body = JSON.stringify({ sandbox });
      const [one, two] = await Promise.all([post('create', body), post('create', body)]);
      expect(one).toEqual([200, expect.objectContaining({ success: true, sandboxId })]);
      expect(two).toEqual(one);
      expect(await (await fetch(url('status'))).json()).toMatchObject({ sandboxStatuses: [{ sandboxId }] });
      expect((await post('delete', JSON.stringify({ sandboxId })))[0]).toBe(200);
    },
  );

  it.each<[string, string, number, string, string]>([
    ['create', '{"sandbox":{"sandboxId":"x"}}', 400, 'x', 'sandbox.image is missing'],
    [
      'create',
      '{"sandbox":{"sandboxId":"x","image":"host","cpus":"1"}}',
      400,
      'x',
      'Did you mean sandbox.cpu?',
    ],
    ['create', '{"sandbox":{"sandboxId":"x","image":"host","cpu":"one"}}', 400, 'x', 'invalid cpu "one"'],
    ['create', '{"sandbox":{"sandboxId":"x","image":"no-such-image"}}', 404, 'x', 'no-such-image'],
    ['create', '{"sandbox":{"sandboxId":"x","image":"host","command":["/none"]}}', 422, 'x', '/none'],
    ['create', '{', 400, '', 'not valid JSON'],
    ['delete', '{"sandboxId":"nobody"}', 404, 'nobody', 'nobody'],
  ])('%s %s is refused', async (path, body, status, sandboxId, message) => {
    const refused = { success: false, sandboxId, createdAt: 0, message: expect.stringContaining(message) };
    expect(await post(path, body)).toEqual([status, refused]);
  });

  it('refuses the log of nobody', async () => {
    const answer = await fetch(url('logs?sandboxId=nobody&follow=true'));
    expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ success: false })]);
  });
});
