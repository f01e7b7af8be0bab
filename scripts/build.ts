/** `npm run build`: the production bundle and the command manifest. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeBundle, makeTracing, makeUnpackWorker } from './build/bundle.ts';
import { makeManifest } from './build/manifest.ts';

const root = resolve(import.meta.dirname, '..');

const dist: string[] = [];

async function put(path: string, content: string): Promise<void> {
  const file = resolve(root, path);
  await mkdir(dirname(file), { recursive: true });
  // By rename: a command that starts during the build gets the old file or the new one, never half of one.
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
  console.log(`${path.padEnd(55)} ${(Buffer.byteLength(content) / 1024).toFixed(0).padStart(6)} KiB`);
}

async function putIntoDist(name: string, content: string): Promise<void> {
  await put(`dist/${name}`, content);
  dist.push(name);
}

const manifest = await makeManifest(root);
const { common, rare, id, licenses } = await makeBundle(root, Object.values(manifest.commands));
// First: what runs fsb-ctl.cjs must find them. The rare script has its build in its name, so that the two always agree.
await putIntoDist('unpack-worker.cjs', await makeUnpackWorker(root));
await putIntoDist('tracing.cjs', await makeTracing(root));
await putIntoDist(`fsb-ctl.rare.${id}.cjs`, rare);
await putIntoDist('fsb-ctl.cjs', common);
await putIntoDist('fsb-ctl.cjs.LEGAL.txt', licenses);
await put('oclif.manifest.json', `${JSON.stringify(manifest, null, 2)}\n`);
// What earlier builds have left: all of the directory is packed.
for (const name of await readdir(resolve(root, 'dist')))
  if (!dist.includes(name)) await rm(resolve(root, 'dist', name), { recursive: true });
