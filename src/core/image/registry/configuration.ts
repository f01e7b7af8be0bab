import { dirname, resolve } from 'node:path';
import { z } from 'zod';

/** `registries.yaml`: the form of the file, and what the client makes of it. */

export interface RegistrySettings {
  /** Tried in order, before the registry itself. */
  mirrors: URL[];
  /** TLS that proves nothing is good enough, and so is plain http. */
  insecure: boolean;
  /** Paths of PEM files. */
  ca?: string;
  clientCertificate?: string;
  clientKey?: string;
}

export interface ProxySettings {
  http?: URL;
  https?: URL;
  noProxy: string[];
}

export interface RegistriesConfiguration {
  /** Where it stands, or would stand. */
  file: string;
  /** By host as references name it: `docker.io`, `registry.local:5000`. */
  registries: Map<string, RegistrySettings>;
  /** Instead of what the environment says. */
  proxy?: ProxySettings;
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[a-f0-9:]+\])(?::\d{1,5})?$/;
const HUB_NAMES = ['index.docker.io', 'registry-1.docker.io'];

const path = z.string().min(1, 'must be the path of a PEM file');

const mirror = z.string().transform((text, ctx) => {
  const url = urlOf(text);
  const good = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash;
  if (good && !url.username && !url.password) return url;
  ctx.addIssue({ code: 'custom', message: 'must be an address like https://mirror.example.com' });
  return z.NEVER;
});

const proxyAddress = z.string().transform((text, ctx) => {
  const url = urlOf(text.includes('://') ? text : `http://${text}`);
  if (url && /^https?:$/.test(url.protocol)) return url;
  // The text is not repeated: it may have a password.
  ctx.addIssue({ code: 'custom', message: 'must be an address like http://proxy.example.com:3128' });
  return z.NEVER;
});

const registry = z
  .strictObject({
    mirrors: z.array(mirror).default([]),
    insecure: z.boolean().default(false),
    ca: path.optional(),
    client_cert: path.optional(),
    client_key: path.optional(),
  })
  .refine((it) => (it.client_cert === undefined) === (it.client_key === undefined), {
    message: 'client_cert and client_key go together: give both',
  });

const proxy = z.strictObject({
  http: proxyAddress.optional(),
  https: proxyAddress.optional(),
  no_proxy: z.array(z.string()).default([]),
});

const host = z
  .string()
  .refine((text) => isHost(text.toLowerCase()), 'must be a host like registry.example.com:5000');

/** YAML makes null of a key with nothing behind it. */
const orNothing = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema);

export const registriesSchema = z.strictObject({
  registries: orNothing(
    z
      .record(
        host,
        z.preprocess((value) => value ?? {}, registry),
      )
      .default({}),
  ),
  proxy: orNothing(proxy.optional()),
});

/** Every key that the file may have, nested ones with their section. */
export const registryKeys: string[] = [
  ...Object.keys(registriesSchema.shape),
  ...['mirrors', 'insecure', 'ca', 'client_cert', 'client_key'].map((key) => `registries.HOST.${key}`),
  ...Object.keys(proxy.shape).map((key) => `proxy.${key}`),
];

export function toConfiguration(
  said: z.output<typeof registriesSchema>,
  file: string,
): RegistriesConfiguration {
  const near = (name: string): string => resolve(dirname(file), name);
  const registries = new Map<string, RegistrySettings>();
  for (const [name, it] of Object.entries(said.registries))
    registries.set(canonicalHost(name), {
      mirrors: it.mirrors,
      insecure: it.insecure,
      ...(it.ca !== undefined && { ca: near(it.ca) }),
      ...(it.client_cert !== undefined && { clientCertificate: near(it.client_cert) }),
      ...(it.client_key !== undefined && { clientKey: near(it.client_key) }),
    });
  if (!said.proxy) return { file, registries };
  const { http, https, no_proxy } = said.proxy;
  return { file, registries, proxy: { http, https, noProxy: no_proxy } };
}

/** A host, maybe with a port, in lower case. */
export const isHost = (text: string): boolean => HOST.test(text);

/** Docker's registry has several names. */
export function canonicalHost(name: string): string {
  const lower = name.toLowerCase();
  return HUB_NAMES.includes(lower) ? 'docker.io' : lower;
}

function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
