import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianImage } from '../../helpers/image/images/debian-image.ts';
import { startRegistry } from '../../helpers/image/registry/docker-registry.ts';
import { binary, startBenchCore } from '../core/bench-core.ts';
import type { Samples } from '../figures/stats.ts';

const run = promisify(execFile);

/** A registry on the loopback interface that has the Debian image, some 100 MB compressed and 300 MB unpacked. */
export interface DebianRegistry extends AsyncDisposable {
  /** `127.0.0.1:5000` */
  address: string;
  /** `127.0.0.1:5000/debian:test` */
  reference: string;
}

export async function startDebianRegistry(): Promise<DebianRegistry> {
  const { layout } = await debianImage();
  const registry = await startRegistry();
  const reference = `${registry.address}/debian:test`;
  const from = `oci:${layout}:latest`;
  await run('skopeo', [
    'copy',
    '--insecure-policy',
    '--dest-tls-verify=false',
    from,
    `docker://${reference}`,
  ]);
  return { address: registry.address, reference, [Symbol.asyncDispose]: () => registry.stop() };
}

/** Milliseconds of one process, from its spawn to its end. What an earlier one has left to write is written before. */
export async function timed(command: string, args: string[], env = process.env): Promise<number> {
  await run('sync');
  const begin = performance.now();
  await run(command, args, { env, maxBuffer: 1 << 26 });
  return performance.now() - begin;
}

/**
 * The command line on a core that has no image yet; its start is not measured.
 * @param registry an address that is spoken to without TLS
 */
export async function timedOnEmptyCore(args: string[], registry?: string): Promise<number> {
  await using core = await startBenchCore();
  if (registry !== undefined)
    writeFileSync(
      join(core.env.FSB_ROOT!, 'registries.yaml'),
      // YAML understands JSON.
      JSON.stringify({ registries: { [registry]: { insecure: true } } }),
    );
  // The first command of a core pays for what later ones find ready.
  await core.api.images.list();
  // Awaited here: the core must not end before.
  return await timed(process.execPath, [binary, ...args], core.env);
}

/** A directory that is gone after the work. */
export async function inScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'fsb-bench-scratch-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Measures several things by turns, so that a busy minute of the machine is in all of them.
 * @param once each gives milliseconds by row
 * @returns the samples by row, in the order in which rows were first named
 */
export async function byTurns(
  runs: number,
  once: (() => Promise<Record<string, number>>)[],
): Promise<Map<string, Samples>> {
  const rows = new Map<string, Samples>();
  let failures = 0;
  for (let turn = 0; turn < runs; turn++)
    for (const measure of once) {
      try {
        for (const [row, value] of Object.entries(await measure())) {
          const samples = rows.get(row) ?? { samples: [], failures: 0 };
          rows.set(row, samples);
          samples.samples.push(value);
        }
      } catch (error) {
        failures += 1;
        console.error(error instanceof Error ? error.message : error);
      }
    }
  // Nobody knows which row it would have been.
  for (const samples of rows.values()) samples.failures += failures;
  return rows;
}
