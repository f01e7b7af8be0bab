import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import pino from 'pino';
import { createRegistries } from '../../../../src/core/image/registry/client.ts';
import type {
  ReadOptions,
  Registries,
  RemoteRepository,
} from '../../../../src/core/image/registry/registries.ts';
import type { Clock } from '../../../../src/core/model/clock.ts';
import type { RegistryCredentials } from '../../../../src/core/model/image/image-requests.ts';

/** A registry client with a configuration of its own. Its waits between attempts take no time, unless a clock is given. */
export interface ClientFixture {
  registries: Registries;
  directory: string;
  /** Of the configuration. */
  file: string;
  /** Where docker's certificates would be. */
  dockerCertificates: string;
  /** The waits, in milliseconds, of the impatient clock. */
  readonly waits: number[];
  /** Everything that was logged. */
  log(): string;
  configure(text: string): Promise<void>;
  open(
    address: string,
    path: string,
    credentials?: RegistryCredentials,
    outside?: boolean,
  ): Promise<RemoteRepository>;
  close(): Promise<void>;
}

export async function createClient(
  options: {
    clock?: Clock;
    /** Of the impatient clock, milliseconds. */
    monotonic?: () => number;
    env?: Record<string, string | undefined>;
  } = {},
): Promise<ClientFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-registries-'));
  const file = join(directory, 'registries.yaml');
  const dockerCertificates = join(directory, 'certs.d');
  const lines: string[] = [];
  const waits: number[] = [];
  const registries = createRegistries({
    file,
    dockerCertificates,
    env: options.env ?? {},
    clock: options.clock ?? impatientClock(waits, options.monotonic),
    random: () => 1,
    log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
  });
  return {
    registries,
    directory,
    file,
    dockerCertificates,
    waits,
    log: () => lines.join(''),
    configure: (text) => writeFile(file, text),
    open: (domain, path, credentials, outside) =>
      registries.repository({ domain, path }, credentials, outside),
    async close() {
      await registries.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

// How long a server may be silent, and how long an answer is read that nobody wants.
const GUARDS = [30_000, 1500];

/** Waits between attempts are over at once; what guards against a slow server waits for ever. */
function impatientClock(waits: number[], monotonic = () => performance.now()): Clock {
  return {
    now: () => 1_700_000_000_000,
    monotonic,
    after(ms, callback) {
      if (GUARDS.includes(ms)) return () => undefined;
      waits.push(ms);
      const turn = setImmediate(callback);
      return () => clearImmediate(turn);
    },
  };
}

/** All bytes of a blob. */
export async function readWhole(
  repository: RemoteRepository,
  data: { digest: string; size: number; urls?: string[] },
  options?: ReadOptions,
): Promise<Buffer> {
  return buffer(repository.blob(data, options));
}
