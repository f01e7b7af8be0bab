import type { CoreApi } from '../../core/api/core-api.ts';
import { abortable } from '../../core/model/async/abortable.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { Complaints, reasonOf, toolRequest } from '../../core/model/guest-tool.ts';
import type { ExitStatus, ProcessSession } from '../../core/model/process.ts';
import type { SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import { printable } from '../output/output.ts';

/** Where tools run: one sandbox of a core, until the signal fires. */
export interface ToolPlace {
  core: Pick<CoreApi, 'sandboxes'>;
  ref: SandboxRef;
  signal: AbortSignal;
}

/** Starts a tool of fsb-init in the sandbox; closing the session ends it. @throws not_found, conflict */
export async function startTool(
  { core, ref, signal }: ToolPlace,
  argv: string[],
  stdin = false,
): Promise<ProcessSession> {
  const session = await core.sandboxes.exec(ref, toolRequest(argv, stdin), { signal });
  // It may be the output that fails first; then nobody waits for this one.
  session.exited.catch(() => undefined);
  return session;
}

/** Runs a tool, and ends it when `use` has ended, or the signal fires before. */
export async function withTool<T>(
  place: ToolPlace,
  argv: string[],
  stdin: boolean,
  use: (session: ProcessSession) => Promise<T>,
): Promise<T> {
  const session = await startTool(place, argv, stdin);
  try {
    return await abortable(use(session), place.signal);
  } finally {
    await session.close();
  }
}

export interface ToolResult {
  status: ExitStatus;
  stdout: Buffer;
  /** What it complained of. */
  complaint: string;
}

/**
 * Runs a tool that says little, to its end.
 * @param limit bytes of its output: a hostile sandbox may never stop
 * @throws internal when it says more
 */
export function runTool(place: ToolPlace, argv: string[], limit: number): Promise<ToolResult> {
  return withTool(place, argv, false, async (session) => {
    const chunks: Buffer[] = [];
    const complaints = new Complaints();
    let size = 0;
    for await (const { stream, data } of session.output) {
      if (stream === 'stderr') complaints.push(data);
      else {
        size += data.length;
        if (size > limit) throw new FsbError('internal', `${place.ref.name} says more than ${limit} bytes`);
        chunks.push(data);
      }
    }
    const status = await session.exited;
    return { status, stdout: Buffer.concat(chunks), complaint: complaints.text };
  });
}

/** Why a tool failed, fit for a terminal. */
export const whyFailed = (status: ExitStatus, complaint: string): string =>
  printable(reasonOf(status, complaint));
