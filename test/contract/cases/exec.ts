import { expect, it } from 'vitest';
import { errorOf, finish, readUntil, type Workbench } from '../workbench.ts';

export function execCases(bench: Workbench): void {
  it('runs a command and keeps its streams and its status apart', async () => {
    const box = await bench.idle();
    const { stdout, stderr, status } = await bench.run(box, 'echo out; echo err >&2; exit 3');
    expect({ stdout: stdout.toString(), stderr: stderr.toString(), status }).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
      status: { code: 3, signal: null },
    });
  });

  it('passes arguments, variables and the working directory byte by byte', async () => {
    const box = await bench.idle({ envs: { BASE: 'from the sandbox' } });
    const argv = [
      'sh',
      '-c',
      'printf "%s|" "$@" "$MORE" "$BASE" "$PWD"',
      'sh',
      '',
      ' a b ',
      'ü&=+%20',
      '"\'\n$x',
    ];
    const session = await bench.exec(box, argv, { env: { MORE: 'x=y&z' }, cwd: '/usr' });
    const { stdout } = await finish(session);
    expect(stdout.toString()).toBe('| a b |ü&=+%20|"\'\n$x|x=y&z|from the sandbox|/usr|');
  });

  it('runs a command that is longer than a URL may be', async () => {
    const box = await bench.idle();
    const long = 'x'.repeat(100_000);
    const { stdout } = await finish(await bench.exec(box, ['printf', '%s', long]));
    expect(stdout.length).toBe(long.length);
  });

  it('feeds stdin and half-closes it', async () => {
    const box = await bench.idle();
    const session = await bench.exec(box, ['sh', '-c', 'cat; echo end'], { stdin: true });
    await session.write(Buffer.from('one '));
    await session.write(Buffer.from('two '));
    session.endInput();
    session.endInput();
    const { stdout, status } = await finish(session);
    expect(stdout.toString()).toBe('one two end\n');
    expect(status).toMatchObject({ code: 0, signal: null });
  });

  it('gives no input to a command that did not ask for it', async () => {
    const box = await bench.idle();
    expect((await bench.run(box, 'cat; echo done')).stdout.toString()).toBe('done\n');
  });

  it('signals the process group', async () => {
    const box = await bench.idle();
    const trapping = await bench.exec(box, [
      'sh',
      '-c',
      'trap "exit 42" USR1; echo ready; while :; do sleep 0.05; done',
    ]);
    const output = trapping.output[Symbol.asyncIterator]();
    await readUntil(output, 'ready');
    trapping.signal(10);
    expect(await trapping.exited).toMatchObject({ code: 42, signal: null });
    await trapping.close();
    const killed = await bench.exec(box, ['sleep', '1000']);
    killed.signal(9);
    expect((await finish(killed)).status).toMatchObject({ code: null, signal: 9 });
  });

  it('gives a terminal of the asked size, and resizes it', async () => {
    const box = await bench.idle();
    const script = [
      'test -t 0 && test -t 1 && stty size',
      'trap resized=1 WINCH; echo armed; until [ "$resized" ]; do sleep 0.05; done',
      // A terminal may learn rows and columns one after the other.
      'until [ "$(stty size)" = "44 120" ]; do sleep 0.05; done; stty size',
      'read x; echo "got $x"; exit 5',
    ];
    const session = await bench.exec(box, ['sh', '-c', script.join('\n')], {
      ...{ tty: true, stdin: true, size: { rows: 33, cols: 101 } },
    });
    const output = session.output[Symbol.asyncIterator]();
    expect(await readUntil(output, 'armed')).toContain('33 101\r\n');
    session.resize({ rows: 44, cols: 120 });
    await readUntil(output, '44 120\r\n');
    await session.write(Buffer.from('go\n'));
    await readUntil(output, 'got go\r\n');
    expect(await session.exited).toMatchObject({ code: 5, signal: null });
    await session.close();
  });

  it('says when a command is not there', async () => {
    const box = await bench.idle();
    const error = await errorOf(bench.exec(box, ['no-such-command-at-all']));
    expect(error).toMatchObject({
      code: 'command_not_found',
      message: expect.stringContaining('no-such-command'),
    });
  });

  it('says conflict for an ended sandbox', async () => {
    const box = await bench.shell('exit 0');
    await bench.core.sandboxes.wait(box);
    expect(await errorOf(bench.exec(box, ['true']))).toMatchObject({ code: 'conflict' });
  });

  it('refuses an exec that was cancelled before', async () => {
    const box = await bench.idle();
    const request = { argv: ['true'], env: {}, cwd: '', user: '', tty: false, stdin: false };
    const call = bench.core.sandboxes.exec(box, request, { signal: AbortSignal.abort() });
    expect(await errorOf(call)).toMatchObject({ code: 'cancelled' });
  });

  it('lets go of a session without ending its process', async () => {
    const box = await bench.idle();
    const session = await bench.exec(box, ['sh', '-c', 'echo $$; sleep 1000']);
    const pid = (await readUntil(session.output[Symbol.asyncIterator](), '\n')).trim();
    await session.close();
    await session.close();
    expect((await bench.run(box, `kill -0 ${pid} && kill -9 ${pid} && echo lived`)).stdout.toString()).toBe(
      'lived\n',
    );
  });

  it('serves many at once', async () => {
    const box = await bench.idle();
    const runs = Array.from({ length: 20 }, (_, n) => bench.run(box, `echo ${n}; exit ${n}`));
    for (const [n, { stdout, status }] of (await Promise.all(runs)).entries())
      expect([stdout.toString(), status.code]).toEqual([`${n}\n`, n]);
  });
}
