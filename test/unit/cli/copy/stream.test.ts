import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { copyFromSandbox, streamToSandbox } from '../../../../src/cli/copy/copy.ts';
import type { ToolPlace } from '../../../../src/cli/guest-tool/guest-tool.ts';
import type { ExecRequest } from '../../../../src/core/api/sandbox-api.ts';
import type { OutputChunk, ProcessSession } from '../../../../src/core/model/process.ts';

/** A sandbox in which a tool has said what it says, and has ended. */
function place(tools: Record<string, { code: number; stdout?: string; stderr?: string }>): ToolPlace {
  const exec = async (_: unknown, { argv }: ExecRequest): Promise<ProcessSession> => {
    const { code, stdout = '', stderr = '' } = tools[argv[0]!]!;
    async function* output(): AsyncGenerator<OutputChunk> {
      yield { stream: 'stdout', data: Buffer.from(stdout) } as OutputChunk;
      yield { stream: 'stderr', data: Buffer.from(stderr) } as OutputChunk;
    }
    const exited = Promise.resolve({ code, signal: null, oomKilled: false });
    const session = { output: output(), exited, write: async () => {}, endInput() {}, close: async () => {} };
    return session as unknown as ProcessSession;
  };
  return {
    core: { sandboxes: { exec } } as unknown as ToolPlace['core'],
    ref: { namespace: 'default', name: 'box' },
    signal: new AbortController().signal,
  };
}

it('a tool that has failed is told of, although nothing more comes on standard input', async () => {
  const silent = (async function* () {
    yield Buffer.from('x');
    await new Promise(() => {});
  })();
  const box = place({
    stat: { code: 0, stdout: 'directory 755 0 0.000000000 0 0\n' },
    'tar-in': { code: 1, stderr: 'cannot write f: No space left on device\n' },
  });
  const progress = { note: () => {}, copied: () => {} } as never;
  await expect(streamToSandbox(silent, box, '/srv', { archive: false }, progress)).rejects.toThrow(
    'No space left',
  );
});

it('goes to no fifo here, nor through a link to one, and says what does instead', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fsb-copy-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  symlinkSync('pipe', join(folder, 'link'));
  const box = place({ stat: { code: 0, stdout: 'file 644 1 0.000000000 0 0\n' } });
  const progress = { note: () => {}, copied: () => {} } as never;
  for (const name of ['pipe', 'link'])
    await expect(
      copyFromSandbox(box, '/f', join(folder, name), { archive: false, follow: false }, progress),
    ).rejects.toMatchObject({
      code: 'conflict',
      message: `cannot copy to ${join(folder, 'pipe')}: that is a fifo`,
      hint: 'Name a file or a directory, or - to get a tar on standard output.',
    });
  expect(lstatSync(join(folder, 'pipe')).isFIFO()).toBe(true);
  rmSync(folder, { recursive: true });
});
