import { expect, it } from 'vitest';
import { errorOf, execOf, finish } from '../workbench.ts';
import type { AgentBench } from './agent-bench.ts';

const GONE = { grace: 0, keepFiles: false };

export function agentLifeCases(bench: AgentBench): void {
  it('says who it is', async () => {
    const { node, cores, pids } = await bench.agent.facts();
    expect(node).not.toBe('');
    expect(cores).toBeGreaterThanOrEqual(1);
    expect(pids).toBeGreaterThanOrEqual(300);
  });

  it('tells what a sandbox was given, and holds it until it is forgotten', async () => {
    const request = bench.request('while :; do sleep 1000; done', { labels: { a: 'b' } });
    const started = await bench.agent.start(request);
    const { node } = await bench.agent.facts();
    expect(started).toMatchObject({ node, endpoints: [], given: { labels: { a: 'b' } } });
    expect(started.given.resources.memory).toBeGreaterThan(0);
    const { sandboxId } = request;
    expect(await bench.find(sandboxId)).toEqual({
      sandboxId,
      state: { state: 'running', startedAt: started.startedAt },
      given: started.given,
    });
    await bench.agent.stop(sandboxId, { grace: 0, keepFiles: true });
    expect((await bench.find(sandboxId))?.state).toMatchObject({
      state: 'ended',
      status: { code: null, signal: 9 },
    });
    await bench.agent.stop(sandboxId, GONE);
    await bench.agent.forget(sandboxId);
    expect(await bench.find(sandboxId)).toBeUndefined();
  });

  it('stops and forgets what it never had', async () => {
    await bench.agent.stop('0'.repeat(32), GONE);
    await bench.agent.forget('0'.repeat(32));
  });

  it('has errors with their codes and hints', async () => {
    const { agent } = bench;
    const id = 'f'.repeat(32);
    expect(await errorOf(agent.pause(id))).toMatchObject({
      code: 'conflict',
      hint: 'See why with: fsb-ctl get NAME',
    });
    expect((await errorOf(agent.signal(id, 15))).code).toBe('conflict');
    expect((await errorOf(agent.exec(id, execOf(['true'])))).code).toBe('conflict');
    expect((await errorOf(agent.attach(id, { stdin: false, replay: false }))).code).toBe('conflict');
    const request = bench.request('true', { command: ['/no/such/program'] });
    expect((await errorOf(agent.start(request))).code).toBe('command_not_found');
    const unknown = bench.request('true', { pool_ref: 'nowhere' });
    expect((await errorOf(agent.start(unknown))).code).toBe('not_found');
    const id2 = await bench.idle();
    const again = { ...bench.request('true'), sandboxId: id2 };
    expect((await errorOf(agent.start(again))).code).toBe('already_exists');
  });

  it('leaves nothing of a start whose caller leaves', async () => {
    const request = bench.request('while :; do sleep 1000; done', { resources: { memory: '96m' } });
    const abort = new AbortController();
    const start = bench.agent.start(request, { signal: abort.signal });
    abort.abort();
    expect((await errorOf(start)).code).toBe('cancelled');
    expect(await bench.find(request.sandboxId)).toBeUndefined();
  });

  it('pauses, signals, limits and renames', async () => {
    const { agent } = bench;
    const id = await bench.shell('trap "exit 7" USR1; while :; do sleep 0.05; done');
    await agent.pause(id);
    expect((await bench.find(id))?.state).toMatchObject({ state: 'running', paused: true });
    await agent.unpause(id);
    const given = (await bench.find(id))!.given!;
    await agent.update(id, { ...given.resources, pids: 77 });
    await agent.rename(id, 'default/other');
    expect((await bench.find(id))?.given?.resources.pids).toBe(77);
    const usage = await agent.usage(id);
    expect(usage?.pids).toBeGreaterThanOrEqual(1);
    const ended = bench.ended(id);
    await agent.signal(id, 10);
    expect((await ended).state).toMatchObject({ state: 'ended', status: { code: 7, signal: null } });
    expect(await agent.usage(id)).toBeUndefined();
  });

  it('hands the files of one that has ended to a tool, and to the next', async () => {
    const { agent } = bench;
    const first = bench.request('echo kept > /file');
    await agent.start(first);
    await bench.ended(first.sandboxId);
    const stat = execOf(['stat', '/file'], { guestTool: true });
    const { status } = await finish(await agent.execOnFiles(first, stat));
    expect(status).toEqual({ code: 0, signal: null });
    const next = bench.request('cat /file');
    await agent.start({ ...next, filesOf: first.sandboxId });
    const session = await agent.attach(next.sandboxId, { stdin: false, replay: true });
    expect((await finish(session)).stdout.toString()).toBe('kept\n');
  });

  it('counts the bytes of logs, and knows of no retained one', async () => {
    const { agent } = bench;
    const id = await bench.shell('echo hello');
    await bench.ended(id);
    expect(await agent.logBytes(id)).toBeGreaterThan(0);
    expect(await agent.logBytes()).toBeGreaterThanOrEqual(await agent.logBytes(id));
    expect(await agent.retainedLog({ namespace: 'default', name: 'nobody' })).toBeUndefined();
  });

  it('has pools, images and events', async () => {
    const { agent } = bench;
    expect((await agent.pools.list()).map(({ name }) => name)).toContain('default-pool');
    expect((await agent.images.list()).flatMap(({ references }) => references)).toContain('host');
    for await (const event of agent.events({ after: 0, follow: false })) expect(event.seq).toBeGreaterThan(0);
  });
}
