import type { FilesRequest } from '../../api/agent-api.ts';
import type { ExecRequest } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { filesFromWire, filesToWire } from '../convert/agent.ts';
import { isRecord } from '../fits.ts';
import { AgentSandboxFiles } from '../gen/fsb/v1/agent.ts';
import { execFromJson } from './exec-request.ts';
import { inFrame, type Transport } from './transport.ts';

/** Always in the first frame: a spec may be long. */
export const filesToTransport = (files: FilesRequest, exec: ExecRequest): Transport =>
  inFrame({
    files: Buffer.from(AgentSandboxFiles.encode(filesToWire(files)).finish()).toString('base64'),
    exec,
  });

/** @throws invalid_argument */
export function filesFromJson({ files, exec }: Record<string, unknown>): {
  files: FilesRequest;
  exec: ExecRequest;
} {
  if (typeof files !== 'string' || !isRecord(exec)) throw malformed('it needs files and exec');
  return { files: filesFromWire(decoded(files)), exec: execFromJson(exec) };
}

function decoded(text: string): AgentSandboxFiles {
  try {
    return AgentSandboxFiles.decode(Buffer.from(text, 'base64'));
  } catch (error) {
    throw malformed((error as Error).message);
  }
}

const malformed = (why: string): FsbError =>
  new FsbError('invalid_argument', `the request for the files of a sandbox is not well-formed: ${why}`);
