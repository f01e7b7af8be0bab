import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ExecRequest } from '../../../src/core/api/sandbox-api.ts';
import { finish, Workbench } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';

describe.each(['in this process', 'over the wire'])('a guest tool, %s', (where) => {
  const bench = new Workbench();
  let core: RealCore;
  beforeAll(async () => {
    core = await startRealCore();
    bench.use(where === 'over the wire' ? core.remote : core.running.api);
  });
  afterEach(() => bench.cleanUp());
  afterAll(() => core.close());

  const tool = (argv: string[], more: Partial<ExecRequest> = {}): ExecRequest => ({
    ...{ argv, env: { MINE: '1' }, cwd: '/nowhere', user: 'nobody', tty: false, stdin: false },
    guestTool: true,
    ...more,
  });

  it('runs as root with nothing of the sandbox, whatever its image calls root', async () => {
    const box = await bench.idle({ envs: { THEIRS: '1' } });
    await bench.run(box, 'printf "root:x:1234:1234::/:/bin/sh\\n0:x:1234:1234::/:/x\\n" > /etc/passwd');
    const { sandboxes } = bench.core;
    const waiting = await sandboxes.exec(box, tool(['tar-in', '/'], { stdin: true, tty: true }));
    const { stdout } = await finish(await sandboxes.exec(box, tool(['processes'])));
    const [, pid] = /^0 (\d+) 1 .* \/\.fsb-init tar-in \/$/m.exec(stdout.toString()) ?? [];
    expect(pid).toBeDefined();
    const { stdout: environment } = await bench.run(box, `tr '\\0' '\\n' < /proc/${pid}/environ`);
    expect(environment.toString()).not.toMatch(/MINE|THEIRS|PATH/);
    waiting.endInput();
    expect((await finish(waiting)).status).toMatchObject({ code: 0 });
  });

  it('that is none says so', async () => {
    const box = await bench.idle();
    const { status, stderr } = await finish(await bench.core.sandboxes.exec(box, tool(['sh', '-c', 'true'])));
    expect([status.code, stderr.toString()]).toEqual([2, 'fsb-init: there is no tool sh\n']);
  });

  it('ends with its caller', async () => {
    const box = await bench.idle();
    const { sandboxes } = bench.core;
    const session = await sandboxes.exec(box, tool(['tar-in', '/'], { stdin: true }));
    session.exited.catch(() => {});
    await session.close();
    const running = async (): Promise<string> =>
      (await finish(await sandboxes.exec(box, tool(['processes'])))).stdout.toString();
    while ((await running()).includes('tar-in')) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
