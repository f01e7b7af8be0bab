import { expect, it } from 'vitest';
import type { AttachRequest } from '../../../src/core/api/sandbox-api.ts';
import { errorOf, family, finish, readRest, readUntil, type Workbench } from '../workbench.ts';

export function attachCases(bench: Workbench): void {
  it('joins the main process with its output from the beginning', async () => {
    const box = await bench.shell('echo first; read line; echo "got $line"; exit 9', { stdin: true });
    const session = await bench.core.sandboxes.attach(box, { stdin: true, replay: true });
    const output = session.output[Symbol.asyncIterator]();
    expect(await readUntil(output, '\n')).toBe('first\n');
    await session.write(Buffer.from('a line\n'));
    expect(await readUntil(output, '\n')).toBe('got a line\n');
    expect(await session.exited).toMatchObject({ code: 9, signal: null });
    expect(await output.next()).toMatchObject({ done: true });
    await session.close();
  });

  it('has a terminal of the size that it was started with, from its first instruction on', async () => {
    const { sandboxes } = bench.core;
    const spec = { image: 'host', command: ['stty', 'size'], tty: true };
    const box = await sandboxes.create({ ...bench.ref(), spec, size: { rows: 33, cols: 101 } });
    await sandboxes.wait(box);
    await sandboxes.start(box, { size: { rows: 44, cols: 120 } });
    await sandboxes.wait(box);
    await sandboxes.restart(box);
    await sandboxes.wait(box);
    let log = '';
    for await (const { data } of sandboxes.logs(box, { follow: false, stdout: true, stderr: true }))
      log += data;
    expect(log).toBe('33 101\r\n44 120\r\n24 80\r\n');
  });

  it('delivers the log and the status of an ended sandbox', async () => {
    const box = await bench.shell('echo out; echo err >&2; exit 4');
    await bench.core.sandboxes.wait(box);
    const { stdout, stderr, status } = await finish(
      await bench.core.sandboxes.attach(box, { stdin: false, replay: true }),
    );
    expect([stdout.toString(), stderr.toString(), status.code]).toEqual(['out\n', 'err\n', 4]);
  });

  it('delivers only what is new without replay, at its true offset', async () => {
    const box = await bench.shell('echo old; read line; echo new', { stdin: true });
    for await (const entry of bench.core.sandboxes.logs(box, { follow: true, stdout: true, stderr: true }))
      if (entry.data.includes('old')) break;
    const session = await bench.core.sandboxes.attach(box, { stdin: true, replay: false });
    await session.write(Buffer.from('\n'));
    const chunks = [];
    for await (const chunk of session.output) chunks.push({ ...chunk, data: chunk.data.toString() });
    expect(chunks).toEqual([{ stream: 'stdout', offset: 4, data: 'new\n' }]);
    await session.close();
  });

  it('goes on where another session was, by whatever name, also when it has ended, and in no other one of that name', async () => {
    const box = await bench.shell('echo one; echo two >&2; read line; echo three; exit 3', { stdin: true });
    const attach = (request: AttachRequest) => bench.core.sandboxes.attach(box, request);
    const session = await attach({ stdin: true, replay: true });
    await readUntil(session.output[Symbol.asyncIterator](), 'two\n');
    const { sandboxId } = session.place!;
    expect(session.place).toMatchObject({ stdout: 0, stderr: 0, takesInput: true });
    const goOn = async (stdout: number, stderr: number) => {
      const from = { sandboxId, stdout, stderr };
      const said = await finish(await attach({ stdin: false, replay: false, from }));
      return [String(said.stdout), String(said.stderr), said.status.code];
    };
    const going = goOn(4, 4);
    await session.write(Buffer.from('\n'));
    await session.exited;
    await session.close();
    expect(await going).toEqual(['three\n', '', 3]);
    expect(await goOn(2, 1)).toEqual(['e\nthree\n', 'wo\n', 3]);
    const from = { sandboxId: 'another', stdout: 0, stderr: 0 };
    expect(await errorOf(attach({ stdin: false, replay: true, from }))).toMatchObject({
      code: 'not_found',
    });
    await bench.core.sandboxes.rename(box, `${box.name}-renamed`);
    expect(await goOn(4, 4)).toEqual(['three\n', '', 3]);
  });

  it('tells whether a sandbox takes input, until it has had the end of it', async () => {
    const box = await bench.shell('cat; exec sleep 60', { stdin: true });
    const attach = (stdin: boolean) => bench.core.sandboxes.attach(box, { stdin, replay: true });
    const session = await attach(true);
    expect(session.place!.takesInput).toBe(true);
    session.endInput();
    const takesInput = async (): Promise<boolean> => {
      const another = await attach(false);
      await another.close();
      return another.place!.takesInput;
    };
    await expect.poll(takesInput).toBe(false);
    await session.close();
    const idle = await bench.core.sandboxes.attach(await bench.idle(), { stdin: false, replay: true });
    expect(idle.place!.takesInput).toBe(false);
    await idle.close();
  });

  it('refuses input for a sandbox that takes none', async () => {
    const box = await bench.idle();
    const call = bench.core.sandboxes.attach(box, { stdin: true, replay: false });
    expect(await errorOf(call)).toMatchObject({ code: 'conflict' });
  });

  it('passes signals to the main process', async () => {
    const box = await bench.shell('trap "exit 33" INT; echo ready; while :; do sleep 0.05; done');
    const session = await bench.core.sandboxes.attach(box, { stdin: false, replay: true });
    await readUntil(session.output[Symbol.asyncIterator](), 'ready');
    session.signal(2);
    expect(await session.exited).toMatchObject({ code: 33, signal: null });
    await session.close();
  });

  it('leaves the children of the main process alone when it passes a signal', async () => {
    const box = await bench.shell(family('USR1'));
    const session = await bench.core.sandboxes.attach(box, { stdin: false, replay: true });
    const output = session.output[Symbol.asyncIterator]();
    await readUntil(output, 'up\n');
    session.signal(10);
    expect(await readRest(output)).toBe('main\n');
    expect(await session.exited).toMatchObject({ code: 3, signal: null });
    await session.close();
  });
}
