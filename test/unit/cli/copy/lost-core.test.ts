import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { runCommandLine, startCommandLine } from '../../../helpers/cli/command-line.ts';
import { exitedSession } from '../../../helpers/cli/exited-session.ts';
import { toolAnswers } from '../../../helpers/cli/fixed-answers.ts';
import { fixedCore } from '../../../helpers/cli/fixed-core.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fsb-copy-'));
  writeFileSync(join(folder, 'f'), 'content');
});
afterEach(() => rmSync(folder, { recursive: true }));

const lost = new FsbError(
  'run_failed',
  'lost the process: the connection was closed; how it ends is not known',
  {
    hint: 'It may still be running: look with `fsb-ctl top box`.',
    cause: new FsbError('unavailable', 'the connection was closed'),
  },
);

it.each([
  ['f', 'box:/srv', 'What is at box:/srv may be incomplete: copy it again.'],
  ['box:/srv', '.', 'What is at . may be incomplete: copy it again.'],
  ['box:/srv', '-', 'What is on standard output is incomplete: copy it again.'],
])(
  'a core that is lost while %s goes to %s leaves a copy that may be incomplete, and says so',
  async (...row) => {
    const [source, destination, hint] = row;
    const core = fixedCore();
    core.sandboxes.exec = async (_, { argv }) => {
      if (argv[0] === 'stat') return exitedSession(toolAnswers.stat!, 0);
      const exited = Promise.reject(lost);
      exited.catch(() => {});
      return { ...exitedSession('', 0), output: failing(), exited };
    };
    expect(await runCommandLine(['cp', source, destination], { core, cwd: folder })).toEqual({
      code: 125,
      stdout: '',
      stderr: `Error: lost the core while ${source} was copied to ${destination}: the connection was closed\nHint: ${hint}\n`,
    });
  },
);

it('an interrupted copy into a sandbox says that what stands there may be incomplete', async () => {
  const core = fixedCore();
  const line = startCommandLine(['cp', 'f', 'box:/srv'], {
    core: {
      ...core,
      sandboxes: {
        ...core.sandboxes,
        exec: async (_, { argv }) => {
          if (argv[0] === 'stat') return exitedSession(toolAnswers.stat!, 0);
          // All that it wants has come, and then it takes its time.
          const endInput = (): void => void line.events.emit('SIGINT');
          const never = new Promise<never>(() => {});
          return { ...exitedSession('', 0), endInput, exited: never };
        },
      },
    },
    cwd: folder,
  });
  expect(await line.code).toBe(130);
  expect(line.stderr.text).toContain('What is at box:/srv may be incomplete: copy it again.\n');
});

// biome-ignore lint/correctness/useYield: it fails before
async function* failing(): AsyncGenerator<never> {
  throw lost;
}
