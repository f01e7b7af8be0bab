import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { finish, type Workbench } from '../workbench.ts';

const MIB = 1024 * 1024;

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export function flowCases(bench: Workbench): void {
  it('carries 20 MB of output byte by byte', async () => {
    const box = await bench.idle();
    const { stdout, status } = await bench.run(box, 'head -c 20000000 /dev/zero | tr "\\0" x; printf end');
    expect([stdout.length, status.code]).toEqual([20_000_003, 0]);
    expect(digest(stdout)).toBe(digest(Buffer.concat([Buffer.alloc(20_000_000, 'x'), Buffer.from('end')])));
  });

  it('carries 5 MB of input and back byte by byte', async () => {
    const box = await bench.idle();
    const session = await bench.exec(box, ['cat'], { stdin: true });
    const sent = randomBytes(5 * MIB);
    const feeding = (async () => {
      for (let at = 0; at < sent.length; at += 300_000) await session.write(sent.subarray(at, at + 300_000));
      session.endInput();
    })();
    const { stdout } = await finish(session);
    await feeding;
    expect(digest(stdout)).toBe(digest(sent));
  });

  it('holds a process back while its reader is slow, and loses nothing', async () => {
    const box = await bench.idle();
    const total = 64 * MIB;
    const progress = `/tmp/progress-${box.id}`;
    const script = `i=0; while [ $i -lt 64 ]; do head -c ${MIB} /dev/zero; i=$((i+1)); echo $i >${progress}; done`;
    const session = await bench.exec(box, ['sh', '-c', script]);
    const output = session.output[Symbol.asyncIterator]();
    const first = await output.next();
    let received = first.value!.data.length;
    const written = async (): Promise<number> =>
      Number((await bench.run(box, `cat ${progress} || echo 0`)).stdout);
    // It stands still when two looks, a while apart, see the same; far from the end it can only be held back.
    let before = -1;
    let now = await written();
    while (now !== before) {
      before = now;
      await bench.run(box, 'sleep 0.3');
      now = await written();
    }
    expect(now).toBeLessThan(16);
    for (let next = await output.next(); !next.done; next = await output.next())
      received += next.value.data.length;
    expect(received).toBe(total);
    expect(await session.exited).toMatchObject({ code: 0, signal: null });
    await session.close();
    await bench.run(box, `rm ${progress}`);
  });

  it('holds a writer back while its process does not read', async () => {
    const box = await bench.idle();
    const session = await bench.exec(box, ['sh', '-c', 'sleep 1000; cat'], { stdin: true });
    let accepted = 0;
    const feeding = (async () => {
      for (let n = 0; n < 64; n++) {
        await session.write(Buffer.alloc(MIB));
        accepted += 1;
      }
    })();
    await bench.run(box, 'sleep 0.5');
    expect(accepted).toBeLessThan(8);
    session.signal(9);
    expect((await finish(session)).status).toMatchObject({ code: null, signal: 9 });
    await feeding;
  });
}
