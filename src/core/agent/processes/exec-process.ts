import type { ExecRequest } from '../../api/sandbox-api.ts';
import { GUEST_INIT } from '../../model/guest-tool.ts';
import type { ProcessSpec } from '../../model/process.ts';
import type { Surroundings } from '../ledger/records.ts';

/** What an exec runs: what it starts from, with what the request says on top. */
export function execProcess(from: Surroundings, request: ExecRequest): ProcessSpec {
  if (request.guestTool) return toolProcess(request);
  return {
    argv: request.argv,
    env: withTerminal({ ...from.env, ...request.env }, request.tty),
    cwd: request.cwd || from.cwd,
    user: request.user || from.user,
    tty: request.tty,
    stdin: request.stdin,
    discardOutput: request.detach ?? false,
    ...(request.size ? { size: request.size } : {}),
  };
}

/** Nothing of the image has a say in it. No user is uid 0 by number: an image may call anybody root. */
function toolProcess({ argv, stdin, detach }: ExecRequest): ProcessSpec {
  const discardOutput = detach ?? false;
  return {
    ...{ argv: [GUEST_INIT, ...argv], title: argv[0], env: {}, cwd: '/', user: '' },
    ...{ tty: false, stdin, discardOutput },
  };
}

/** As docker: a terminal without TERM is an xterm. */
function withTerminal(env: Record<string, string>, tty: boolean): Record<string, string> {
  return tty && env.TERM === undefined ? { ...env, TERM: 'xterm' } : env;
}
