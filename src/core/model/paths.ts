import { join, resolve } from 'node:path';
import { FsbError } from './failure/errors.ts';

/** Where one core keeps everything. Two roots are two independent cores. */
export interface CorePaths {
  /** What tells this core from others; shown by `daemon status`. */
  root: string;
  /** Survives a reboot: records, images, logs, writable layers. */
  state: string;
  /** Gone after a reboot: sockets, runtime state. Mode 0700. */
  run: string;
  grpcSocket: string;
  httpSocket: string;
  lock: string;
  /** Pid and addresses of the running core, JSON, written when it is ready. */
  status: string;
  /** The core's own log. */
  log: string;
  /** Who changed what over TCP, JSON lines. */
  auditLog: string;
  /** What the administrator says of registries; need not be there. */
  registries: string;
  /** The token that `serve --generate-token` makes. */
  token: string;
}

// A unix socket path holds 107 bytes; the longest of ours is RUN/i/<17>/guest.sock.
const LONGEST_RUN = 107 - '/i//guest.sock'.length - 17;

/**
 * `FSB_ROOT` moves everything to one directory; else root has /var/lib/fsb, /run/fsb and /etc/fsb, others the XDG
 * directories.
 * @throws invalid_argument when sockets below it would not fit into a socket address
 */
export function corePaths(env: Record<string, string | undefined>, uid: number): CorePaths {
  const { root, state, run, settings } = directories(env, uid);
  if (/^\/(proc|sys|dev)(\/|$)/.test(root))
    throw new FsbError('invalid_argument', `the root directory ${root} is on a file system of the kernel`, {
      hint: 'Choose an ordinary directory with FSB_ROOT or --root.',
    });
  if (Buffer.byteLength(run) > LONGEST_RUN)
    throw new FsbError(
      'invalid_argument',
      `the root directory ${root} has too long a path for unix sockets`,
      {
        hint: `Choose one of at most ${LONGEST_RUN - '/run'.length} bytes with FSB_ROOT or --root.`,
      },
    );
  return {
    root,
    state,
    run,
    grpcSocket: join(run, 'fsb.sock'),
    httpSocket: join(run, 'http.sock'),
    lock: join(run, 'lock'),
    status: join(run, 'core.json'),
    log: join(state, 'core.log'),
    auditLog: join(state, 'audit.log'),
    registries: join(settings, 'registries.yaml'),
    token: join(settings, 'token'),
  };
}

function directories(
  env: Record<string, string | undefined>,
  uid: number,
): Pick<CorePaths, 'root' | 'state' | 'run'> & { settings: string } {
  if (env.FSB_ROOT) {
    const root = resolve(env.FSB_ROOT);
    return { root, state: join(root, 'state'), run: join(root, 'run'), settings: root };
  }
  if (uid === 0)
    return { root: '/var/lib/fsb', state: '/var/lib/fsb', run: '/run/fsb', settings: '/etc/fsb' };
  const home = env.HOME ?? '/';
  const state = join(env.XDG_STATE_HOME || join(home, '.local/state'), 'fsb');
  // In /tmp nothing above it may be anybody's, who could put another one in its place.
  const run = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'fsb') : `/tmp/fsb-${uid}`;
  const settings = join(env.XDG_CONFIG_HOME || join(home, '.config'), 'fsb');
  return { root: state, state, run, settings };
}
