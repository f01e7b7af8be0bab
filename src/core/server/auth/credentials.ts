import { timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Caller } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { assertPrivate, FreshFiles } from '../fresh-files.ts';
import {
  type CredentialList,
  digestOf,
  isCallerName,
  oneToken,
  parseCredentials,
  unlistedName,
} from './credential-list.ts';
import type { Known } from './tenures.ts';

export interface CredentialsOptions {
  /** Absolute path. */
  tokenFile?: string;
  /** One more token, whose bearer may do everything. */
  token?: string;
  clock: Clock;
  log: Logger;
}

/** The callers that a core knows, as its token file says now. */
export class Credentials {
  readonly #list: () => CredentialList;
  readonly #clock: Clock;

  /** @throws invalid_argument, denied (others may read the file) */
  constructor({ tokenFile, token, clock, log }: CredentialsOptions) {
    this.#clock = clock;
    const given = token === undefined ? [] : [oneToken(token, 'FSB_TOKEN')];
    const fromFile = tokenFile === undefined ? undefined : fileOf(tokenFile, log);
    this.#list = () => {
      const { tokens, certificates } = fromFile?.value ?? { tokens: [] };
      return { tokens: [...given, ...tokens], ...(certificates && { certificates }) };
    };
  }

  /** Undefined: nobody's, or its time is over. It takes as long for each token, and for each list of that length. */
  ofToken(token: string): Known | undefined {
    const digest = digestOf(token);
    return knownBy(() => this.#bearerOf(digest));
  }

  #bearerOf(digest: Buffer): Caller | undefined {
    const now = this.#clock.now();
    let found: Caller | undefined;
    for (const { sha256, caller, expires = Number.POSITIVE_INFINITY } of this.#list().tokens)
      if (timingSafeEqual(sha256, digest) && now < expires) found = caller;
    return found;
  }

  /**
   * The caller of a certificate that was verified; undefined: it is none of those listed, or its time is over by now.
   * @param names in the certificate
   * @param until milliseconds since the epoch
   */
  ofCertificate(names: readonly string[], until: number): Known | undefined {
    return knownBy(() => (this.#clock.now() < until ? this.#ownerOf(names) : undefined));
  }

  #ownerOf(names: readonly string[]): Caller | undefined {
    const { certificates } = this.#list();
    if (certificates === undefined)
      return { name: unlistedName(names.find(isCallerName)), scopes: ['admin'], namespaces: 'all' };
    return names.map((one) => certificates.get(one)).find((caller) => caller !== undefined);
  }
}

function knownBy(find: () => Caller | undefined): Known | undefined {
  const caller = find();
  return caller && { caller, isStill: () => isDeepStrictEqual(find(), caller) };
}

function fileOf(file: string, log: Logger): FreshFiles<CredentialList, 'file'> {
  return new FreshFiles({
    files: { file },
    parse: (contents) => {
      assertPrivate(file);
      return parseCredentials(contents.file.toString('utf8'), file);
    },
    onBroken: (error) =>
      log.error({ err: error }, 'the token file cannot be used: the tokens it had before stay in effect'),
    onChanged: () => log.info({ file }, 'the token file was read anew'),
  });
}
