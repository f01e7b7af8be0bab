import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { httpBeside, type SshEndpoint, sshWords } from '../config/endpoint.ts';
import { childEnvironment } from '../terminal/child-environment.ts';
import { isInteractive } from '../terminal/world.ts';
import type { Here } from './here.ts';
import { coreOfAnswer, remoteScript, scriptFailure } from './ssh-script.ts';
import { openTunnel, type Tunnel } from './ssh-tunnel.ts';

/**
 * The core of another machine, over the system's ssh: its two sockets are forwarded to a directory of ours. Closing it
 * ends ssh.
 * @param start the core there when it does not run
 * @param away as of a CoreAddress
 * @throws unavailable with what ssh, or fsb-ctl there, has to say
 */
export async function connectSsh(
  endpoint: SshEndpoint,
  { start, here, away }: { start: boolean; here: Here; away: () => void },
): Promise<CoreApi> {
  const tunnel = await openTunnel(endpoint, {
    script: remoteScript(endpoint.socket, start),
    interactive: isInteractive(here.terminal),
    env: childEnvironment(here.env),
    events: here.events,
  });
  try {
    const answer = await answerOf(tunnel, endpoint);
    const socket = endpoint.socket ?? coreOfAnswer(answer, endpoint);
    const grpc = await tunnel.forward(socket, 'fsb.sock');
    const http = await tunnel.forward(httpBeside(socket), 'http.sock');
    const { connectCore } = await import('../../core/client/connect-core.ts');
    const core = connectCore({ grpc: `unix://${grpc}`, http: `unix://${http}`, away });
    await assertAnswers(core, tunnel, endpoint, socket);
    return through(tunnel, core);
  } catch (error) {
    await tunnel.close();
    throw error;
  }
}

async function answerOf(tunnel: Tunnel, endpoint: SshEndpoint): Promise<string> {
  const { answer, code } = await tunnel.answered;
  if (answer !== undefined) return answer;
  throw scriptFailure(endpoint, code, tunnel.complaint);
}

/** The sockets here accept whatever is behind those there: only an answer tells. */
async function assertAnswers(
  core: CoreApi,
  tunnel: Tunnel,
  endpoint: SshEndpoint,
  socket: string,
): Promise<void> {
  try {
    await core.system.info();
  } catch (error) {
    await core.close();
    const { code, message } = FsbError.from(error);
    if (code !== 'unavailable') throw error;
    throw new FsbError(
      'unavailable',
      `no core answers at ${socket} on ${endpoint.host}: ${tunnel.complaint || message}`,
      { hint: `Look there with: ssh ${sshWords(endpoint)} fsb-ctl daemon status`, cause: error },
    );
  }
}

function through(tunnel: Tunnel, core: CoreApi): CoreApi {
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= core.close().finally(() => tunnel.close());
    return closing;
  };
  return { ...core, close, [Symbol.asyncDispose]: close };
}
