import type { FilesRequest } from '../../api/agent-api.ts';
import type { ExecRequest } from '../../api/sandbox-api.ts';
import { refKey, type Sandbox } from '../../model/sandbox/sandbox.ts';

/** Tools of fsb-init that need nothing of a sandbox but its files. */
const FILE_TOOLS: readonly (string | undefined)[] = ['stat', 'tar-in', 'tar-out'];

export const needsFilesOnly = ({ guestTool, argv }: ExecRequest): boolean =>
  guestTool === true && FILE_TOOLS.includes(argv[0]);

/** The generation before, as long as this one has not taken over its files. */
export const filesOf = ({ previous }: Sandbox): string | undefined =>
  previous?.files ? previous.id : undefined;

/** The generations of which one has its log: it goes with the files, in a start that may be under way, or have failed. */
export const logIdsOf = (sandbox: Sandbox): string[] => [sandbox.id, filesOf(sandbox) ?? []].flat();

/** Those that its next start would begin with. */
export const filesLeftBy = (sandbox: Sandbox): FilesRequest => ({
  sandboxId: filesOf(sandbox) ?? sandbox.id,
  claimName: refKey(sandbox),
  spec: sandbox.spec,
});
