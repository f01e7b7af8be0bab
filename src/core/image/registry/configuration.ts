import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { registryHost } from '../../model/image/registry-host.ts';

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
  /** By host as registryHost() spells it: `docker.io`, `registry.local:5000`. */
  registries: Map<string, RegistrySettings>;
  /** Instead of what the environment says. */
  proxy?: ProxySettings;
}

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
  .refine((text) => registryHost(text) !== undefined, 'must be a host like registry.example.com:5000');

/** YAML makes null of a key with nothing behind it. */
const orNothing = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema);

export const registriesSchema = z.strictObject({
  registries: orNothing(
    z
      .record(
        host,
        z.preprocess((value) => value ?? {}, registry),
      )
      .superRefine(assertEachOnce)
      .default({}),
  ),
  proxy: orNothing(proxy.optional()),
});

/** Which of two is meant nobody can know. */
function assertEachOnce(registries: Record<string, unknown>, ctx: z.RefinementCtx): void {
  const names = new Map<string, string>();
  for (const name of Object.keys(registries)) {
    const host = registryHost(name)!;
    const first = names.get(host);
    if (first === undefined) names.set(host, name);
    else
      ctx.addIssue({
        code: 'custom',
        path: [name],
        message: `is the same registry as ${first}: put all of it under one of them`,
      });
  }
}

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
    registries.set(registryHost(name)!, {
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

function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
