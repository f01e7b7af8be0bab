import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type InfoView, infoListing } from '../../../../src/cli/info/info-view.ts';
import type { Check } from '../../../../src/cli/local/doctor/check.ts';
import { doctorListing } from '../../../../src/cli/local/doctor/doctor.ts';
import { jsonText } from '../../../../src/cli/output/json-text.ts';
import { imageListing } from '../../../../src/cli/output/listings/image-listing.ts';
import { createdListing, sandboxListing } from '../../../../src/cli/output/listings/sandbox-listing.ts';
import { statsListing } from '../../../../src/cli/output/listings/stats-view.ts';
import { versionListing } from '../../../../src/cli/output/listings/version-view.ts';
import { type Listing, type OutputFormat, printable, render } from '../../../../src/cli/output/output.ts';
import { printableText } from '../../../../src/cli/output/table.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { parseSpec } from '../../../../src/core/model/sandbox/spec.ts';
import { sandboxView } from '../../../../src/core/view/sandbox-view.ts';
import { NOW, sandboxes } from '../../../helpers/cli/fixed-answers.ts';
import { imageInfo } from '../../../helpers/image/image-info.ts';

const [box] = sandboxes;
const list = sandboxListing(sandboxes, { now: NOW, full: false });

const unreachable: InfoView = {
  client: {
    ...{ version: '0.1.0', node_version: '20.0.0', context: 'build' },
    ...{ endpoint: 'ssh://me@build', origin: 'user:/home/me/.fsb/config.json' },
  },
  core: null,
};
const USAGE = { cpu_percent: 1, memory: 2 ** 20, memory_limit: 2 ** 29, memory_percent: 0.2, pids: 1 };

const checks: Check[] = [
  { name: 'node', ok: true, found: 'v20.20.0', hint: '' },
  { name: 'guest programs', ok: false, found: 'missing: fsb-init', hint: 'Build them with: make -C guest' },
];

// biome-ignore lint/suspicious/noExplicitAny: listings of every kind
const cases: [string, Listing<any>, OutputFormat][] = [
  ['info-unreachable', infoListing(unreachable, NOW), 'table'],
  ['version-unreachable', versionListing('0.1.0', '20.0.0', {}), 'table'],
  ['doctor', doctorListing(checks), 'table'],
  ['doctor', doctorListing(checks), 'json'],
  ['doctor', doctorListing(checks), 'name'],
];

describe('output', () => {
  it.each(cases)('%s as %3$s', async (name, listing, format) => {
    const text = await render(listing, { format, quiet: false, colors: false });
    await expect(text).toMatchFileSnapshot(`../../../fixtures/golden/${name}.${format}.txt`);
  });

  it('has whole names of images in a terminal of 80 columns', async () => {
    const names = [
      'ghcr.io/astral-sh/uv:python3.12-bookworm-slim',
      'registry.example.com/team/tools/uv:1.2.3',
    ];
    const sizes = { size: 171_000_000, uniqueSize: 90_000_000, importedAt: NOW - 60_000 };
    const images = [imageInfo(sizes), imageInfo({ ...sizes, references: names })];
    const options = { format: 'table', quiet: false, colors: false, width: 80 } as const;
    const text = await render(imageListing(images, NOW), options);
    await expect(text).toMatchFileSnapshot('../../../fixtures/golden/image-list-long.80.txt');
    const first = text.split('\n').map((line) => line.split(' ')[0]);
    expect(first).toEqual(['IMAGE', 'a:1', ...names, '']);
  });

  it('has whole phases beside a long name in a terminal of 60 columns, and breaks no word', async () => {
    const name = 'nightly-build-of-the-tools-with-all-of-them';
    const [, failed, exited] = sandboxes.map((each) => ({ ...each, name }));
    const options = { format: 'table', quiet: false, colors: false, width: 60 } as const;
    const list = (sandbox: Sandbox) => render(sandboxListing([sandbox], { now: NOW, full: false }), options);
    expect(await list(exited!)).toBe(`${'NAME'.padEnd(46)}PHASE\n${name}   Exited (7)\n`);
    expect(await list(failed!)).toBe(`NAME\n   PHASE\n${name}\n   Failed (SIGKILL)\n`);
    const row = { ...{ name, namespace: 'default', id: 'a'.repeat(32), time: null }, ...USAGE };
    const stats = await render(statsListing([row], { full: false, namespaces: false }), options);
    expect(stats).toBe(
      `NAME                                          CPU %\n   MEM USAGE / LIMIT\n${name}   1.00%\n   1MiB / 512MiB\n`,
    );
  });

  it('prints only names or ids with -q', async () => {
    const quiet = { format: 'table', quiet: true, colors: false } as const;
    expect(await render(list, quiet)).toBe('box\njob\nold\ncold\nnew\n');
    expect(await render(createdListing(box!, 1, false), quiet)).toBe(`${box!.id}\n`);
    expect(await render(sandboxListing([box!], { now: NOW, full: true }), quiet)).toBe(`${box!.id}\n`);
  });

  it('colours phases only when asked', async () => {
    const colored = await render(list, { format: 'table', quiet: false, colors: true });
    expect(colored).toContain('\u001b[32mRunning\u001b[39m');
    const plain = await render(list, { format: 'table', quiet: false, colors: false });
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });

  it('shows a spec that run takes back unchanged', () => {
    const spec = parseSpec({ image: 'host', ttl: '90s', grace_period: '500ms', resources: { memory: '1g' } });
    expect(parseSpec(sandboxView({ ...box!, spec }).spec)).toEqual(spec);
  });

  it('lets none reach it as JSON, which reads as the same', () => {
    const text = jsonText({ label: 'a\u009b2J\u007f\u202eb\u001b 日本' });
    expect(text).toBe(String.raw`{"label":"a\u009b2J\u007f\u202eb\u001b 日本"}`);
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (each) => void expect(JSON.parse(jsonText(each))).toBe(each),
      ),
    );
  });

  it('lets no control character of others reach the terminal', () => {
    expect(printable('a\u001b[2Jb\u0007\u009b\n')).toBe('a?[2Jb???');
    expect(printable('name\u202egpj.exe\u2066\u2028 日本 שלום 😀')).toBe('name?gpj.exe?? 日本 שלום 😀');
    expect(printableText('a\tb\n\u001b\u202ec')).toBe('a\tb\n??c');
  });
});
