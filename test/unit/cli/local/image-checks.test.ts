import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Check } from '../../../../src/cli/local/doctor/check.ts';
import { imageChecks } from '../../../../src/cli/local/doctor/image-checks.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { corePaths } from '../../../../src/core/model/paths.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsb-checks-'));
});
afterEach(() => rm(home, { recursive: true }));

async function put(path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode });
}

async function look(name: string): Promise<Check> {
  const env = { FSB_ROOT: home, HOME: home, PATH: join(home, 'bin') };
  const local = { paths: corePaths(env, 0), packageRoot: '', env };
  const checks = await imageChecks(local, { env, cwd: home, clock: systemClock });
  return checks.find((check) => check.name === name)!;
}

const paths = () => corePaths({ FSB_ROOT: home }, 0);

it('a new machine is well', async () => {
  for (const name of ['zstd', 'registries', 'docker config', 'image store'])
    expect(await look(name)).toMatchObject({ ok: true });
});

it.each([
  ['registries: [', 'line 1'],
  ['registries: { a.example: { ca: nowhere.pem } }', 'nowhere.pem, the ca that '],
  ['registries: { a.example: { secure: true } }', 'secure'],
])('registries.yaml: %s', async (text, why) => {
  await put(paths().registries, text);
  expect(await look('registries')).toMatchObject({ ok: false, found: expect.stringContaining(why) });
  await put(paths().registries, 'registries: { a.example: { insecure: true } }');
  expect(await look('registries')).toMatchObject({
    ok: true,
    found: expect.stringMatching(/^a\.example in /),
  });
});

it("docker's configuration and its helpers", async () => {
  const config = join(home, '.docker/config.json');
  await put(config, '{ nonsense');
  expect(await look('docker config')).toMatchObject({ ok: false, found: expect.stringContaining(config) });
  await put(config, JSON.stringify({ auths: { a: {} }, credsStore: 'one', credHelpers: { b: 'two' } }));
  await put(join(home, 'bin/docker-credential-one'), '', 0o755);
  expect(await look('docker config')).toMatchObject({
    ...{ ok: false, found: expect.stringContaining('docker-credential-two is not on') },
    hint: expect.stringContaining(config),
  });
  await put(join(home, 'bin/docker-credential-two'), '', 0o755);
  expect(await look('docker config')).toMatchObject({
    ok: true,
    found: expect.stringContaining('1 login, '),
  });
});

it('the list of images', async () => {
  const list = join(paths().state, 'images/images.json');
  await put(list, '{"version":2,"images":[]}');
  expect(await look('image store')).toMatchObject({
    ok: true,
    found: expect.stringMatching(/^the host image and 0 others in /),
  });
  await put(list, '{"version":2,"ima');
  expect(await look('image store')).toMatchObject({
    ok: false,
    found: expect.stringContaining('is damaged'),
  });
  await put(list, '{"version":2,"images":[]}');
  await put(`${list}.damaged-2026`, 'x');
  expect(await look('image store')).toMatchObject({ ok: false, found: expect.stringContaining('set aside') });
});
