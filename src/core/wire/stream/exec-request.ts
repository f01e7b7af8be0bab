import type { ExecRequest } from '../../api/sandbox-api.ts';
import { didYouMean } from '../../model/failure/did-you-mean.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { type Check, fits, isFlag, isRecord, isText, isTextMap, isTexts, isWhole } from '../fits.ts';
import { type Fields, readFields } from './query-fields.ts';
import { sizeOf, withSize } from './terminal-size.ts';
import { type Transport, toTransport } from './transport.ts';

export function execToTransport(request: ExecRequest): Transport {
  return toTransport(request.argv, () => execToQuery(request), request);
}

export function execToQuery(request: ExecRequest): URLSearchParams {
  const query = new URLSearchParams();
  for (const argument of request.argv) query.append('command', argument);
  for (const [name, value] of Object.entries(request.env)) query.append('env', `${name}=${value}`);
  if (request.cwd !== '') query.set('cwd', request.cwd);
  if (request.user !== '') query.set('user', request.user);
  if (request.tty) query.set('tty', 'true');
  if (request.stdin) query.set('stdin', 'true');
  if (request.detach) query.set('detach', 'true');
  if (request.guestTool) query.set('guest_tool', 'true');
  return withSize(query, request.size);
}

export const execFields = {
  command: 'texts',
  env: 'texts',
  cwd: 'text',
  user: 'text',
  tty: 'flag',
  stdin: 'flag',
  detach: 'flag',
  guest_tool: 'flag',
  rows: 'count',
  cols: 'count',
  window: 'count',
  // Kubernetes clients say which outputs they want; ours sends both.
  stdout: 'flag',
  stderr: 'flag',
  container: 'text',
} as const;

/** @throws invalid_argument */
export const execFromQuery = (query: URLSearchParams): ExecRequest =>
  withCommand(readExecFields(readFields(query, execFields)));

/** @throws invalid_argument */
export const execFromJson = (value: Record<string, unknown>): ExecRequest => withCommand(readExecJson(value));

function withCommand(request: ExecRequest): ExecRequest {
  if (request.argv.length > 0) return request;
  throw new FsbError('invalid_argument', 'exec needs a command: none was given');
}

/** There may be no command in it. @throws invalid_argument */
export function readExecFields(fields: Fields<typeof execFields>): ExecRequest {
  return {
    argv: fields.command,
    env: Object.fromEntries(fields.env.map(splitVariable)),
    cwd: fields.cwd ?? '',
    user: fields.user ?? '',
    tty: fields.tty ?? false,
    stdin: fields.stdin ?? false,
    ...(fields.detach === undefined ? {} : { detach: fields.detach }),
    ...(fields.guest_tool ? { guestTool: true } : {}),
    ...sizeOf(fields),
  };
}

const isSize: Check = (value) =>
  isRecord(value) && fits(value, { rows: isWhole, cols: isWhole }) && 'rows' in value && 'cols' in value;

/** What a request in a frame may have, and what each has to be. */
const keys: Record<keyof ExecRequest, [fits: Check, kind: string]> = {
  argv: [isTexts, 'a list of strings'],
  env: [isTextMap, 'an object of strings'],
  cwd: [isText, 'a string'],
  user: [isText, 'a string'],
  tty: [isFlag, 'true or false'],
  stdin: [isFlag, 'true or false'],
  detach: [isFlag, 'true or false'],
  size: [isSize, 'an object with rows and cols, which are whole numbers'],
  guestTool: [isFlag, 'true or false'],
};

/** What is left out is as in a URL. There may be no command in it. @throws invalid_argument */
export function readExecJson(value: Record<string, unknown>): ExecRequest {
  for (const [key, item] of Object.entries(value)) {
    if (!Object.hasOwn(keys, key)) throw unknownKey(key);
    const [isFit, kind] = keys[key as keyof ExecRequest];
    if (!isFit(item)) throw new FsbError('invalid_argument', `${key} of the exec request must be ${kind}`);
  }
  const { guestTool, ...request } = value as Partial<ExecRequest>;
  return {
    ...{ argv: [], env: {}, cwd: '', user: '', tty: false, stdin: false },
    ...request,
    ...(guestTool ? { guestTool } : {}),
  };
}

/** Dropped silently, a misspelt key would run the command in another directory, or as another user. */
function unknownKey(key: string): FsbError {
  const near = didYouMean(key, Object.keys(keys));
  return new FsbError('invalid_argument', `the exec request has an unknown key ${JSON.stringify(key)}`, {
    hint: near === undefined ? `Known are ${Object.keys(keys).join(', ')}.` : `Did you mean ${near}?`,
  });
}

function splitVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new FsbError('invalid_argument', `env must be NAME=VALUE, not ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}
