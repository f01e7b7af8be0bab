import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Flags, type Interfaces } from '@oclif/core';
import type { CoreOptions } from '../../../core/daemon.ts';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { makeDirectories } from '../../../core/model/make-directories.ts';
import type { World } from '../../terminal/world.ts';

/** Who may call a core over TCP; docs/security.md. */
export const securityFlags = {
  'tls-cert': Flags.string({
    summary: 'Certificate of the core (PEM): gRPC and HTTP over TCP speak TLS. Read anew when it changes.',
    helpValue: 'FILE',
  }),
  'tls-key': Flags.string({ summary: 'Key of that certificate (PEM).', helpValue: 'FILE' }),
  'client-ca': Flags.string({
    summary: 'Authorities whose certificates clients may show (PEM).',
    helpValue: 'FILE',
  }),
  'token-file': Flags.string({
    summary: 'Who may call over TCP: one token, or a list of tokens and rights. Read anew when it changes.',
    helpValue: 'FILE',
  }),
  'generate-token': Flags.boolean({
    summary: 'Take the token in the file "token" of the configuration, which is made when it is not there.',
  }),
};

/** Flags whose values are paths. */
export const SECURITY_FILES = ['tls-cert', 'tls-key', 'client-ca', 'token-file'];

type Security = NonNullable<CoreOptions['security']>;
type SecurityFlags = Partial<Interfaces.InferredFlags<typeof securityFlags>>;

/**
 * What these flags, and FSB_TOKEN, say; undefined: nothing.
 * @param generated path of the token that --generate-token makes
 * @throws invalid_argument for flags that need others
 */
export function securityFrom(
  flags: SecurityFlags,
  { env, cwd }: Pick<World, 'env' | 'cwd'>,
  generated: string,
): Security | undefined {
  const file = (name: keyof SecurityFlags): string | undefined => {
    const path = flags[name] as string | undefined;
    return path === undefined ? undefined : resolve(cwd, path);
  };
  const [cert, key, clientCa] = [file('tls-cert'), file('tls-key'), file('client-ca')];
  if ((cert === undefined) !== (key === undefined))
    throw wrong(
      'a certificate needs its key, and a key its certificate',
      'Give both --tls-cert and --tls-key.',
    );
  if (clientCa !== undefined && cert === undefined)
    throw wrong('clients can only show certificates over TLS', 'Give --tls-cert and --tls-key, too.');
  if (flags['generate-token'] && flags['token-file'] !== undefined)
    throw wrong('--generate-token and --token-file contradict each other', 'Give one of them.');
  const tokenFile = flags['generate-token'] ? generated : file('token-file');
  const security: Security = {
    ...(cert && key ? { tls: { cert, key, ...(clientCa && { clientCa }) } } : {}),
    ...(tokenFile && { tokenFile }),
    ...(env.FSB_TOKEN ? { token: env.FSB_TOKEN } : {}),
  };
  return Object.keys(security).length === 0 ? undefined : security;
}

const wrong = (message: string, hint: string): FsbError =>
  new FsbError('invalid_argument', message, { hint });

/** The token of --generate-token, of which nobody hears before the start that it is for has gone well. */
export interface GeneratedToken {
  /** The core has it. @returns where it is, in words */
  used(): string;
  /** Removes one that was made for a core that did not start. */
  forgetUnused(): void;
}

/**
 * Makes a file with a token of 256 random bits, which only this user can read; one that is there stays.
 * @throws the error of the system
 */
export function generateToken(path: string): GeneratedToken {
  const isNew = !existsSync(path);
  if (isNew) writeToken(path);
  let isUsed = false;
  return {
    used() {
      isUsed = true;
      return `The token is in ${path}${isNew ? '' : ', as before'}. Bring that file to who may call.`;
    },
    forgetUnused() {
      if (isNew && !isUsed) rmSync(path, { force: true });
    },
  };
}

function writeToken(path: string): void {
  makeDirectories(dirname(path), 0o700);
  const file = openSync(path, 'wx', 0o600);
  writeSync(file, `${randomBytes(32).toString('base64url')}\n`);
  closeSync(file);
}
