import { posix } from 'node:path';
import type { ImageConfig } from '../../model/image/image.ts';
import { type Configuration, configurationSchema, parseDocument } from './documents.ts';

/**
 * What an image configuration (a JSON document, OCI or docker schema 2) says about running the image.
 * @throws invalid_argument
 */
export function imageConfigFromOci(json: Buffer | string): ImageConfig {
  return imageConfigOf(parseDocument(configurationSchema, json, 'the image configuration'));
}

export function imageConfigOf({ config }: Configuration): ImageConfig {
  const volumes = directories(Object.keys(config?.Volumes ?? {}));
  return {
    entrypoint: config?.Entrypoint ?? [],
    cmd: config?.Cmd ?? [],
    env: config?.Env ?? [],
    user: config?.User ?? '',
    workingDir: config?.WorkingDir ?? '',
    ...(config?.StopSignal && { stopSignal: config.StopSignal }),
    exposedPorts: tcpPorts(Object.keys(config?.ExposedPorts ?? {})),
    labels: config?.Labels ?? {},
    ...(volumes.length > 0 && { volumes }),
  };
}

/** A relative path is meant from `/`; the root itself, and what climbs out of it, is there anyway. */
function directories(paths: string[]): string[] {
  const absolute = paths.map((path) => posix.join('/', path).replace(/\/$/, ''));
  return [...new Set(absolute)].filter((path) => path !== '' && !path.includes('\0')).sort();
}

/** `80/tcp`, `443` -> 80, 443. Other protocols have no endpoint here. */
function tcpPorts(keys: string[]): number[] {
  const ports = new Set<number>();
  for (const key of keys) {
    const match = /^(\d{1,5})(?:\/tcp)?$/.exec(key);
    const port = Number(match?.[1] ?? 0);
    if (port >= 1 && port <= 65_535) ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}
