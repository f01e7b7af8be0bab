import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AgentNews } from '../../../src/core/api/agent-api.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { AgentBench } from './agent-bench.ts';

export function agentWatchCases(bench: AgentBench): void {
  it('tells a watcher what there is, then that this was all, then each end', async () => {
    const abort = new AbortController();
    const id = await bench.idle();
    const news = bench.agent.watch({ signal: abort.signal })[Symbol.asyncIterator]();
    const before: string[] = [];
    for (let next = await news.next(); !next.value.complete; next = await news.next())
      before.push(next.value.sandbox.sandboxId);
    expect(before).toContain(id);
    await bench.agent.stop(id, { grace: 0, keepFiles: false });
    const { value } = (await news.next()) as { value: AgentNews };
    expect(value.sandbox).toMatchObject({
      sandboxId: id,
      state: { state: 'ended', status: { code: null, signal: 9 } },
    });
    const waiting = Promise.resolve(news.next()).catch(FsbError.from);
    abort.abort();
    expect(await waiting).toMatchObject({ code: 'cancelled' });
  });

  it('keeps nobody waiting for a watcher that does not read', async () => {
    const abort = new AbortController();
    const slow = bench.agent.watch({ signal: abort.signal })[Symbol.asyncIterator]();
    await slow.next();
    const id = await bench.shell('exit 3');
    expect((await bench.ended(id)).state).toMatchObject({ state: 'ended', status: { code: 3 } });
    await delay(10);
    for (;;) {
      const { value } = (await slow.next()) as { value: AgentNews };
      if (value.sandbox?.sandboxId === id && value.sandbox.state.state === 'ended') break;
    }
    abort.abort();
  });
}
