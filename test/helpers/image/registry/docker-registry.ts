import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Authority, ServerCertificate } from './authority.ts';

export interface RegistryTerms {
  /** Only this user may do anything. */
  basic?: { username: string; password: string };
  /** Serves https with it; plain http without. */
  tls?: ServerCertificate;
  /** Wants certificates of the same authority from its clients. */
  clientCertificates?: boolean;
  /** Wants tokens of a token server: see startTokenServer. */
  token?: { realm: string; service: string; issuer: string; authority: Authority };
  /** Passes on what another registry has, as a mirror: `http://127.0.0.1:5000`. */
  mirrorOf?: string;
}

/** A real registry, Debian's docker-registry, on a free port of the loopback interface; its storage goes with it. */
export interface TestRegistry {
  /** As in a reference: `127.0.0.1:5000` */
  address: string;
  /** `http://127.0.0.1:5000` */
  url: string;
  /** What an administrator would need to speak to it; for pushImage. */
  ca?: string;
  basic?: { username: string; password: string };
  /** Ends it; its port refuses connections afterwards. Idempotent. */
  stop(): Promise<void>;
}

export async function startRegistry(terms: RegistryTerms = {}): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-registry-'));
  const config = join(directory, 'config.yml');
  // YAML understands JSON.
  await writeFile(config, JSON.stringify(await configuration(directory, terms)));
  const registry = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = async (): Promise<void> => {
    await ended(registry);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const address = `127.0.0.1:${await portOf(registry)}`;
    const url = `${terms.tls ? 'https' : 'http'}://${address}`;
    return { address, url, ca: terms.tls?.ca, basic: terms.basic, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function configuration(directory: string, terms: RegistryTerms): Promise<Record<string, unknown>> {
  return {
    version: 0.1,
    log: { accesslog: { disabled: true }, level: 'info' },
    storage: { filesystem: { rootdirectory: join(directory, 'storage') }, delete: { enabled: true } },
    http: {
      addr: '127.0.0.1:0',
      secret: 'test',
      ...(terms.tls && { tls: tlsSettings(terms.tls, terms.clientCertificates ?? false) }),
    },
    ...(terms.mirrorOf !== undefined && { proxy: { remoteurl: terms.mirrorOf } }),
    ...(await authentication(directory, terms)),
  };
}

const tlsSettings = ({ certificate, key, ca }: ServerCertificate, clientCertificates: boolean) => ({
  certificate,
  key,
  ...(clientCertificates && { clientcas: [ca] }),
});

async function authentication(directory: string, terms: RegistryTerms): Promise<Record<string, unknown>> {
  if (terms.token) {
    const { realm, service, issuer, authority } = terms.token;
    return { auth: { token: { realm, service, issuer, rootcertbundle: authority.ca } } };
  }
  if (!terms.basic) return {};
  const path = join(directory, 'htpasswd');
  const { username, password } = terms.basic;
  await writeFile(path, execFileSync('htpasswd', ['-nbB', username, password]));
  return { auth: { htpasswd: { realm: 'test registry', path } } };
}

/** Reads what the registry says until it listens; what comes later is thrown away. */
async function portOf(registry: ChildProcess): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface({ input: registry.stderr! })) {
    said.push(line);
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    registry.stderr!.resume();
    return port;
  }
  throw new Error(`docker-registry has not started: ${said.join('\n')}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
