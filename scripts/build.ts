/** `npm run build`: the production bundle and the command manifest. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeBundle, makeTracing, makeUnpackWorker } from './build/bundle.ts';
import { makeManifest } from './build/manifest.ts';

const root = resolve(import.meta.dirname, '..');

async function put(path: string, content: string): Promise<void> {
  const file = resolve(root, path);
  await mkdir(dirname(file), { recursive: true });
  // By rename: a command that starts during the build gets the old file or the new one, never half of one.
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
  console.log(`${path.padEnd(30)} ${(Buffer.byteLength(content) / 1024).toFixed(0).padStart(6)} KiB`);
}

const manifest = await makeManifest(root);
const { common, rare, licenses } = await makeBundle(root, Object.values(manifest.commands));
// First: what runs fsb-ctl.cjs must find them.
await put('dist/unpack-worker.cjs', await makeUnpackWorker(root));
await put('dist/tracing.cjs', await makeTracing(root));
await put('dist/fsb-ctl.rare.cjs', rare);
await put('dist/fsb-ctl.cjs', common);
await put('dist/fsb-ctl.cjs.LEGAL.txt', licenses);
await put('oclif.manifest.json', `${JSON.stringify(manifest, null, 2)}\n`);
