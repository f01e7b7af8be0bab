import { expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import { errorOf, execOf, finish, readRest, readUntil } from '../workbench.ts';
import type { AgentBench } from './agent-bench.ts';

export function agentStreamCases(bench: AgentBench): void {
  it('runs a command, with its input, both streams and its status', async () => {
    const id = await bench.idle();
    const script = 'read line; echo "$line" "$A"; echo oops >&2; exit 3';
    const session = await bench.agent.exec(
      id,
      execOf(['sh', '-c', script], { stdin: true, env: { A: 'b' } }),
    );
    await session.write(Buffer.from('hi\n'));
    session.endInput();
    const { stdout, stderr, status } = await finish(session);
    expect([stdout.toString(), stderr.toString()]).toEqual(['hi b\n', 'oops\n']);
    expect(status).toEqual({ code: 3, signal: null });
  });

  it('refuses a command that is not there as such', async () => {
    const id = await bench.idle();
    expect((await errorOf(bench.agent.exec(id, execOf(['/no/such'])))).code).toBe('command_not_found');
  });

  it('starts no command for a caller who has left', async () => {
    const id = await bench.idle();
    const signal = AbortSignal.abort();
    expect((await errorOf(bench.agent.exec(id, execOf(['true']), { signal }))).code).toBe('cancelled');
  });

  it('loses nothing of much output to a reader who pauses', async () => {
    const id = await bench.idle();
    const session = await bench.agent.exec(id, execOf(['head', '-c', '4000000', '/dev/zero']));
    const { stdout, status } = await finish(session);
    expect(stdout.length).toBe(4_000_000);
    expect(status.code).toBe(0);
  });

  it('joins the main process, and gives its status', async () => {
    const id = await bench.shell('echo up; read line; echo "got $line"; exit 5', { stdin: true });
    await using session = await bench.agent.attach(id, { stdin: true, replay: true });
    const output = session.output[Symbol.asyncIterator]();
    await readUntil(output, 'up\n');
    await session.write(Buffer.from('it\n'));
    expect(await readRest(output)).toBe('got it\n');
    expect(await session.exited).toEqual({ code: 5, signal: null });
  });

  it('follows a log to its end', async () => {
    const id = await bench.shell('echo one; sleep 0.2; echo two');
    let text = '';
    for await (const { data } of bench.agent.logs(id, { ...wholeLog, follow: true })) text += data;
    expect(text).toBe('one\ntwo\n');
    let tail = '';
    for await (const { data } of bench.agent.logs(id, { ...wholeLog, tail: 1 })) tail += data;
    expect(tail).toBe('two\n');
  });

  it('lets a follower of a log leave', async () => {
    const id = await bench.shell('echo one; while :; do sleep 1000; done');
    const abort = new AbortController();
    const follow = async (): Promise<void> => {
      const query = { ...wholeLog, follow: true };
      for await (const _ of bench.agent.logs(id, query, { signal: abort.signal })) abort.abort();
    };
    expect(FsbError.from(await follow().catch((error) => error)).code).toBe('cancelled');
  });
}
