import { type ErrorCode, FsbError, isErrorCode } from '../../core/model/failure/errors.ts';
import { isPlainPath, type SshEndpoint, sshUrl, sshWords } from '../config/endpoint.ts';

/** Around what the script says: a shell's start-up files may write anything before it. */
export const BEGIN = '<fsb-ctl>';
export const END = '</fsb-ctl>';

const NO_PROGRAM = 97;
const NO_SOCKET = 98;
const NO_PERMISSION = 99;

/**
 * What ssh runs on the other machine. It says where the core is, then stays until its input ends: so ssh, and with it
 * the forwarding, ends when this process ends in whatever way.
 * @param socket the core's, where the endpoint names it
 */
export function remoteScript(socket: string | undefined, start: boolean): string {
  const ask =
    socket === undefined
      ? `command -v fsb-ctl >/dev/null 2>&1 || exit ${NO_PROGRAM}; ` +
        `fsb-ctl daemon ${start ? 'start' : 'status'} -o json`
      : `test -S ${quoted(socket)} || exit ${NO_SOCKET}; test -w ${quoted(socket)} || exit ${NO_PERMISSION}`;
  const script = `echo '${BEGIN}'; { ${ask}; } && echo '${END}' && exec cat >/dev/null`;
  // Whatever the login shell of the user is there, sh is what runs it.
  return `exec sh -c ${quoted(script)}`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The path of the core's socket in what `daemon start` or `daemon status` said.
 * @throws unavailable when it does not run
 */
export function coreOfAnswer(answer: string, endpoint: SshEndpoint): string {
  const { host } = endpoint;
  const status = parsed(answer) as { running?: boolean; endpoint?: string } | undefined;
  const socket = /^unix:\/\/(\/.*)$/.exec(status?.endpoint ?? '')?.[1];
  if (status === undefined || socket === undefined)
    throw new FsbError('unavailable', `fsb-ctl on ${host} does not say where its core is`, {
      hint: `Is it the same version there? Name the socket: ${sshUrl(endpoint, '/run/fsb/fsb.sock')}`,
    });
  // ssh puts variables of this machine into the path, and sends it: that machine must not choose which.
  if (!isPlainPath(socket))
    throw new FsbError('unavailable', `the socket on ${host} has a strange path: ${JSON.stringify(socket)}`, {
      hint: 'Move the root of the core there to a path of letters, digits and . _ - / @ + , ~',
    });
  if (status.running === true) return socket;
  throw new FsbError('unavailable', `the core on ${host} is not running`, {
    hint: `Start it with: ssh ${sshWords(endpoint)} fsb-ctl daemon start`,
  });
}

/** Why the script did not come to its end: ssh could not get there, or something is missing there. */
export function scriptFailure(endpoint: SshEndpoint, exit: number | null, complaint: string): FsbError {
  const { host, socket } = endpoint;
  const fail = (why: string, hint: string): FsbError =>
    new FsbError('unavailable', `cannot reach a core on ${host}: ${why}`, { hint });
  if (exit === NO_PROGRAM)
    return fail(
      'there is no fsb-ctl on its PATH',
      `Install it there, or name the socket of its core: ${sshUrl(endpoint, '/run/fsb/fsb.sock')}`,
    );
  if (exit === NO_SOCKET)
    return fail(
      `there is no socket ${socket}`,
      `Start the core there: ssh ${sshWords(endpoint)} fsb-ctl daemon start`,
    );
  if (exit === NO_PERMISSION)
    return fail(`permission denied for ${socket}`, 'Log in as the user who runs the core.');
  if (/exec: (ssh: not found|.*No such file)/.test(complaint))
    return fail('there is no ssh here', 'Install it: apt-get install openssh-client');
  const told = exit === 255 ? undefined : errorOf(complaint);
  if (told !== undefined) return new FsbError(told.code, `on ${host}: ${told.message}`, { hint: told.hint });
  return fail(complaint || `ssh ended with code ${exit}`, hintFor(complaint, endpoint));
}

function hintFor(complaint: string, endpoint: SshEndpoint): string {
  const target = sshWords(endpoint);
  if (/permission denied|too many authentication/i.test(complaint))
    return `Without a terminal ssh asks for nothing: have a key for ${endpoint.user === undefined ? '' : `${endpoint.user}@`}${endpoint.host} that needs no password, or an agent.`;
  if (/host key verification failed/i.test(complaint))
    return `Log in once by hand to see and accept its key: ssh ${target}`;
  return `Does this work: ssh ${target} true`;
}

/** The error that fsb-ctl there has put on its standard error, under -o json. */
function errorOf(complaint: string): { code: ErrorCode; message: string; hint?: string } | undefined {
  for (const line of complaint.split('\n')) {
    const { error } = (parsed(line) ?? {}) as { error?: { code: unknown; message: string; hint?: string } };
    if (error !== undefined && isErrorCode(error.code))
      return { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) };
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
