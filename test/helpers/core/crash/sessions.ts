import type { ProcessSession } from '../../../../src/core/model/process.ts';

/** All that a session says, and its exit code. */
export async function said(session: ProcessSession): Promise<{ text: string; code: number | null }> {
  let text = '';
  for await (const { data } of session.output) text += data.toString();
  const { code } = await session.exited;
  await session.close();
  return { text, code };
}

export const request = (...argv: string[]) => ({
  ...{ argv, env: {}, cwd: '', user: '', tty: false, stdin: false },
});
