import type { ExecRequest } from '../../api/sandbox-api.ts';
import { abortable } from '../../model/async/abortable.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { Complaints, NOTHING_THERE, reasonOf, toolRequest } from '../../model/guest-tool.ts';
import type { ExitStatus, ProcessSession } from '../../model/process.ts';
import { shellWords } from '../../model/shell-words.ts';

type Start = (request: ExecRequest, signal?: AbortSignal) => Promise<ProcessSession>;

/**
 * As docker has it: an exec makes no directory, so that a slip in its name is not one more directory.
 * @param sandbox its name, for the hint
 * @throws command_not_found, not_executable
 */
export async function assertDirectory(
  path: string,
  start: Start,
  sandbox: string,
  signal?: AbortSignal,
): Promise<void> {
  const session = await start(toolRequest(['stat', '-L', '--', path], false), signal);
  try {
    const { status, kind, complaint } = await abortable(answerOf(session), signal);
    if (kind === 'directory') return;
    const directory = `the working directory ${JSON.stringify(path)}`;
    if (status.code === NOTHING_THERE)
      throw new FsbError('command_not_found', `${directory} is not there in the sandbox`, {
        hint: `Make it first, with: fsb-ctl exec ${shellWords([sandbox, 'mkdir', '-p', path])}`,
      });
    const why = status.code === 0 ? `it is a ${kind}` : reasonOf(status, complaint);
    throw new FsbError('not_executable', `${directory} cannot be entered: ${why}`, {
      hint: 'Name another one with --workdir.',
    });
  } finally {
    await session.close();
  }
}

/** The first word that the tool says, and how it ended. */
async function answerOf(
  session: ProcessSession,
): Promise<{ status: ExitStatus; kind: string; complaint: string }> {
  const [said, complaints] = [new Complaints(), new Complaints()];
  for await (const { stream, data } of session.output) (stream === 'stdout' ? said : complaints).push(data);
  const [kind = ''] = /^[a-z]+(?= )/.exec(said.text) ?? [];
  return { status: await session.exited, kind, complaint: complaints.text };
}
