import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { ImageInfo } from '../../../../src/core/model/image/image.ts';
import type { ImportRequest, PruneRequest } from '../../../../src/core/model/image/image-requests.ts';
import {
  type CommandLineOptions,
  runCommandLine,
  startCommandLine,
} from '../../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { imageInfo, importedImage } from '../../../helpers/image/image-info.ts';

const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
const DAY = 86_400_000;
const images: ImageInfo[] = [
  imageInfo({ references: ['host'], digest: digestOf('0') }),
  imageInfo({
    references: ['docker.io/library/alpine:3'],
    digest: digestOf('1'),
    usedBy: ['default/box'],
    createdAt: 1 * DAY,
  }),
  imageInfo({
    references: ['docker.io/library/alpine:edge', 'docker.io/me/tool:1'],
    digest: digestOf('2'),
    createdAt: 2 * DAY,
    repoDigests: [`docker.io/me/tool@${digestOf('9')}`],
  }),
  imageInfo({
    references: ['localhost:5000/a/b:1'],
    digest: digestOf('3'),
    importedAt: Date.now(),
    createdAt: 3 * DAY,
  }),
  imageInfo({
    references: [],
    digest: digestOf('4'),
    importedAt: Date.now() - 2 * DAY,
    uniqueSize: 5_000_000,
  }),
];

let core: HostCore;
let directory: string;
let imports: { request: ImportRequest; content: string }[];
let prunes: PruneRequest[];
const fsb = (line: string | string[], options: CommandLineOptions = {}) =>
  runCommandLine(typeof line === 'string' ? line.split(' ') : line, { core, cwd: directory, ...options });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-images-'));
  [imports, prunes] = [[], []];
  const base = hostCore();
  core = {
    ...base,
    images: {
      ...base.images,
      list: async () => images,
      inspect: async (name) => {
        const found = images.find((each) => each.references.includes(name) || each.digest === name);
        if (found === undefined) throw new FsbError('image_not_found', `image ${name} is not here`);
        const details = await base.images.inspect('host');
        const labels: Record<string, string> = found.digest === digestOf('2') ? { team: 'red' } : {};
        return { ...details, ...found, config: { ...details.config, labels } };
      },
      import: async (request) => {
        const content = 'content' in request.source ? String(await buffer(request.source.content)) : '';
        imports.push({ request, content });
        const [tag, other] = ['docker.io/library/new:1', 'docker.io/library/older:1'];
        return [importedImage(imageInfo({ references: [tag, other] }), [tag])];
      },
      prune: async (request) => {
        if (!request.dryRun) prunes.push(request);
        else if (request.olderThan) return { removed: [], freed: 0 };
        const removed = (request.all ? ['12', '13'] : ['12']).map((digest) => ({
          image: imageInfo({ digest: `sha256:${digest}`, references: [] }),
          ...{ untagged: ['docker.io/library/a:1'], deleted: true, freed: 2048 },
        }));
        return { removed, freed: 12 * 1024 ** 2 };
      },
    },
  };
});

afterEach(async () => {
  await core.close();
  await rm(directory, { recursive: true });
});

describe('image list', () => {
  it.each([
    ['', '01234'],
    ['alpine', '12'],
    ['alpine:3', '1'],
    ['alp*', '12'],
    ['*', '012'],
    ['*/*', '2'],
    ['me/tool', '2'],
    ['localhost:5000/a/b', '3'],
    ['nothing', ''],
    ['--filter dangling=true', '4'],
    ['--filter dangling=false alpine', '12'],
    ['--filter reference=alpine:[e]dge --filter reference=host', '02'],
    ['--filter label=team', '2'],
    ['--filter label=team=red', '2'],
    ['--filter label=team=blue', ''],
    ['--filter label=team=red --filter label=team=blue', ''],
    ['--filter label=team=', ''],
    ['--filter before=docker.io/me/tool:1', '1'],
    ['--filter since=docker.io/library/alpine:3', '23'],
    ['--filter since=docker.io/library/alpine:3 --filter before=localhost:5000/a/b:1 -a', '2'],
  ])('%s', async (words, digits) => {
    const { code, stdout } = await fsb(`images -q --no-trunc ${words}`.trim());
    expect(code).toBe(0);
    expect(stdout).toBe([...digits].map((digit) => `${digestOf(digit)}\n`).join(''));
  });

  it.each([
    ['dangling', 'Write KEY=VALUE; the keys are dangling, reference, label, before, since.'],
    ['dangling=maybe', 'dangling=true or'],
    ['refrence=a', 'Did you mean reference=...?'],
  ])('refuses --filter %s', async (filter, hint) => {
    const { code, stderr } = await fsb(`image list --filter ${filter}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(hint)]);
  });
});

it('image list shows an image by each of its names, and of those only by the ones that were asked for', async () => {
  const names = async (words: string) =>
    (await fsb(words)).stdout.split('\n').flatMap((line) => line.split(' ')[0] || []);
  expect(await names('images --filter label=team')).toEqual(['IMAGE', 'alpine:edge', 'me/tool:1']);
  expect(await names('images alpine')).toEqual(['IMAGE', 'alpine:3', 'alpine:edge']);
  expect(await names('images alpine -o name')).toEqual(
    images.slice(1, 3).map(({ references }) => references[0]),
  );
  expect(await names('images me/tool --format {{.Repository}}:{{.Tag}}')).toEqual(['me/tool:1']);
  expect(JSON.parse((await fsb('images me/tool -o json')).stdout)).toMatchObject([
    { references: images[2]!.references },
  ]);
});

it('image list --digests shows what registries call them', async () => {
  const { stdout } = await fsb('images --digests me/tool');
  expect(stdout).toMatch(/^IMAGE +DIGEST +REPO DIGESTS +SIZE/);
  expect(stdout).toContain(`me/tool@${digestOf('9')}`);
  expect((await fsb('images --filter since=nope')).code).toBe(3);
});

describe('image history', () => {
  const MINUTE = 60_000;
  beforeEach(() => {
    const { inspect } = core.images;
    core.images.inspect = async (name) => ({
      ...(await inspect(name)),
      layers: ['a', 'b', 'c'].map((digit, at) => ({
        ...{ digest: digestOf(digit), diffId: '', mediaType: '', size: 1, unpackedSize: (at + 1) * 1024 },
      })),
      history: [
        { createdAt: Date.now() - 3 * MINUTE, createdBy: 'COPY a\t\n /', comment: 'buildkit', empty: false },
        { createdAt: 0, createdBy: `CMD ${'x'.repeat(50)}`, comment: '', empty: true },
        { createdAt: 1000, createdBy: 'RUN b', comment: '', empty: false },
      ],
    });
  });

  it('shows the steps as docker does, newest first, and layers that nothing is said of', async () => {
    expect((await fsb('history host')).stdout.split('\n')).toEqual([
      expect.stringMatching(/^CREATED +CREATED BY +SIZE +COMMENT$/),
      expect.stringMatching(/^\d+d ago +- +3KiB +-$/),
      expect.stringMatching(/^\d+\w* ago +RUN b +2KiB +-$/),
      expect.stringMatching(/^- +CMD x{40}… +0B +-$/),
      expect.stringMatching(/^3m ago +COPY a \/ +1KiB +buildkit$/),
      '',
    ]);
  });

  it.each([
    ['-q', `${'c'.repeat(12)}\n${'b'.repeat(12)}\n${'a'.repeat(12)}\n`],
    ['-q --no-trunc', ['c', 'b', 'a'].map((digit) => `${digestOf(digit)}\n`).join('')],
  ])('%s prints the layers', async (words, text) => {
    expect((await fsb(`image history host ${words}`)).stdout).toBe(text);
  });

  it('prints bytes, times and whole commands when told', async () => {
    const { stdout } = await fsb('image history host --no-human --no-trunc');
    expect(stdout).toMatch(/\n1970-01-01T00:00:01\S* +RUN b +2048 +-\n/);
    expect(stdout).toContain('x'.repeat(50));
    expect(JSON.parse((await fsb('history host -o json')).stdout)[1]).toEqual({
      ...{ created: '1970-01-01T00:00:01.000Z', created_by: 'RUN b', comment: '' },
      ...{ layer: digestOf('b'), size_bytes: 2048 },
    });
    expect((await fsb('history nope')).code).toBe(3);
  });
});

it('image tag gives an image one more name', async () => {
  const named = hostCore(['host', 'x']);
  expect(await fsb('tag x y:1', { core: named })).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await named.images.inspect('y:1')).references).toEqual(['y:1']);
  expect((await fsb('tag nope y:1', { core: named })).code).toBe(3);
  expect((await fsb('image tag x', { core: named })).code).toBe(2);
  await named.close();
});

describe('image inspect', () => {
  it('prints a list in JSON, and reports what is not here', async () => {
    const { code, stdout, stderr } = await fsb('image inspect host nope docker.io/me/tool:1');
    expect([code, stderr]).toEqual([3, 'Error: image nope is not here\n']);
    expect(JSON.parse(stdout)).toMatchObject([
      { references: ['host'], config_digest: 'sha256:c0' },
      { references: [expect.anything(), 'docker.io/me/tool:1'], config: { labels: { team: 'red' } } },
    ]);
    expect((await fsb('image inspect nope')).stdout).toBe('[]\n');
  });

  it('reads well with -o table, image after image', async () => {
    const { stdout } = await fsb('image inspect host docker.io/me/tool:1 -o table');
    expect(stdout).toMatch(
      /^Names: +host\n[\s\S]*\n\nNames: +alpine:edge, me\/tool:1\n[\s\S]*\n {2}team=red\n/,
    );
    expect(await fsb('image inspect nope -o table')).toMatchObject({ code: 3, stdout: '' });
    expect((await fsb('image inspect host -q')).stdout).toBe('host\n');
  });
});

describe('image import', () => {
  it('reads a file of the machine of the core', async () => {
    expect((await fsb('load a.tar tools:1')).stdout).toContain('new:1');
    await fsb('load -i a.tar -q');
    await fsb('image load -i a.tar tools:1');
    const source = { path: join(directory, 'a.tar') };
    expect(imports.map(({ request }) => request)).toEqual([
      { source, name: 'tools:1' },
      { source, name: undefined },
      { source, name: 'tools:1' },
    ]);
  });

  it.each(['image import - tools:1', 'image load -i - tools:1'])('%s reads standard input', async (line) => {
    await fsb(line, { input: 'bytes' });
    expect(imports).toMatchObject([{ request: { name: 'tools:1' }, content: 'bytes' }]);
  });

  it('reads standard input when nothing is named, but no terminal', async () => {
    await fsb('load', { input: 'bytes' });
    expect(imports).toMatchObject([{ content: 'bytes' }]);
    const line = startCommandLine(['load'], { core, tty: true });
    expect([await line.code, line.stderr.text]).toEqual([2, expect.stringContaining('is a terminal')]);
  });

  it('says how far it is, and the names that came in, which are not all that an image has, unless it is to be quiet', async () => {
    const nameless = importedImage(imageInfo({ references: [], digest: digestOf('4') }));
    const known = importedImage(imageInfo({ digest: digestOf('5') }), []);
    const { import: read } = core.images;
    core.images.import = async (request, options) => {
      options?.onLayer?.({ id: 'aaa', state: 'waiting', current: 0, total: 9 });
      options?.onLayer?.({ id: 'aaa', state: 'done', current: 9, total: 9 });
      return [...(await read(request, options)), nameless, known];
    };
    const { stdout, stderr } = await fsb('load', { input: 'bytes' });
    expect(stderr).toBe(`Importing from standard input
aaa: Waiting
aaa: Import complete
standard input: Read complete
Hint: It has no name. Give it one: fsb-ctl image tag 444444444444 NAME
`);
    // Where scripts that were written for docker look for it.
    expect(stdout).toBe(`Loaded image: new:1
Loaded image ID: ${digestOf('4')}
Loaded image ID: ${digestOf('5')}
`);
    const line = startCommandLine(['load', '-i', 'a.tar'], { core, tty: true, cwd: directory });
    expect(await line.code).toBe(0);
    expect(line.stderr.text).toContain('aaa: Import complete');
    for (const words of ['load -i a.tar -q', 'load -i a.tar -o json'])
      expect((await fsb(words)).stderr).toBe('');
  });

  it('takes its name from --name, too', async () => {
    await fsb('import a.tar --name tools:1');
    expect(imports[0]?.request.name).toBe('tools:1');
    expect((await fsb('load a.tar b --name tools:1')).code).toBe(2);
  });

  it('can be ended while nothing comes', async () => {
    const { images } = core;
    const begun = new EventEmitter();
    const read: typeof images.import = async ({ source }) => {
      if ('content' in source) for await (const chunk of source.content) begun.emit('chunk', chunk);
      return [];
    };
    core = { ...core, images: { ...images, import: read } };
    const chunk = once(begun, 'chunk');
    const line = startCommandLine(['load', '-'], { core });
    line.stdin.write('some');
    await chunk;
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
  });

  it('makes an image of a root file system', async () => {
    const words = ['image', 'import', '--rootfs', 'r.tar', 'm:1', '-c', 'CMD ["sh"]', '--change', 'ENV A=1'];
    await fsb([...words, '--platform', 'arm64']);
    expect(imports[0]?.request.rootfs).toEqual({
      ...{ changes: ['CMD ["sh"]', 'ENV A=1'], platform: 'linux/arm64' },
    });
    expect((await fsb('image import r.tar -c A')).stderr).toContain('--rootfs');
    expect((await fsb('load -i a.tar b c')).code).toBe(2);
  });
});

describe('image remove', () => {
  it('forces it when told', async () => {
    const { stdout, stderr } = await fsb('rmi -f host', {
      core: hostCore(),
    });
    expect([stdout, stderr]).toEqual(['', expect.stringContaining('built in')]);
    const forced = await fsb('rmi -f x', { core: hostCore(['host', 'x']) });
    expect([forced.stdout, forced.stderr]).toEqual([
      expect.stringMatching(/^Untagged: x.*\nDeleted: sha/),
      '',
    ]);
    const plain = await fsb('rmi x', { core: hostCore(['host', 'x']) });
    expect(plain.stdout).toBe('Untagged: x:latest\n');
    expect(plain.stderr).toMatch(/^sha256:0+ goes when nothing uses it any more\n$/);
  });

  it.each([
    [['default/u'], 'default/u is gone'],
    [['default/u', 'pool run'], 'default/u, pool run are gone'],
    [['warm pool ci'], 'warm pool ci keeps it no longer'],
    [
      ['default/u', 'warm pool a', 'warm pool b'],
      'default/u is gone and warm pool a, warm pool b keep it no longer',
    ],
    [[], 'nothing uses it any more'],
  ])('says when an image in use will go: %j', async (usedBy, when) => {
    const image = imageInfo({ references: ['docker.io/library/x:1'], usedBy });
    const remove = async () => ({ image, untagged: image.references, deleted: false, freed: 0 });
    const { stderr } = await fsb('rmi -f x:1', { core: { ...core, images: { ...core.images, remove } } });
    expect(stderr).toBe(`${image.digest} goes when ${when}\n`);
  });
});

describe('image prune', () => {
  it('needs --force without a terminal', async () => {
    expect(await fsb('image prune')).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
    expect(prunes).toEqual([]);
  });

  it('says what it removed', async () => {
    expect((await fsb('image prune -f')).stdout).toBe(
      'Untagged: a:1\nDeleted: sha256:12\nTotal reclaimed space: 12MiB\n',
    );
    for (const sure of ['-f', '-y', '--yes'])
      expect((await fsb(`image prune ${sure} -q`)).stdout).toBe('sha256:12\n');
    const removed = {
      digest: 'sha256:12',
      untagged: ['docker.io/library/a:1'],
      deleted: true,
      freed_bytes: 2048,
    };
    expect(JSON.parse((await fsb('image prune -f -o json')).stdout)).toEqual({
      ...{ removed: [removed], freed_bytes: 12 * 1024 ** 2 },
    });
  });

  it('prints a digest a line with -q', async () => {
    for (const line of ['image prune -a -f -q', 'image prune -a -f -o name'])
      expect((await fsb(line)).stdout).toBe('sha256:12\nsha256:13\n');
    core = { ...core, images: { ...core.images, prune: async () => ({ removed: [], freed: 0 }) } };
    expect((await fsb('image prune -f -q')).stdout).toBe('');
  });

  it('hands on its filters', async () => {
    await fsb(
      'image prune -a -f --filter until=24h --filter label=k=1 --filter label=k=2 --filter label=x --filter label=y=',
    );
    const labels = [
      { key: 'k', value: '1' },
      { key: 'k', value: '2' },
      { key: 'x' },
      { key: 'y', value: '' },
    ];
    expect(prunes).toEqual([{ all: true, olderThan: DAY, labels }]);
    expect((await fsb('image prune -f --filter until=soon')).code).toBe(2);
  });

  it('does not ask when there is nothing', async () => {
    const line = startCommandLine('image prune --filter until=24h'.split(' '), { core, tty: true });
    expect([await line.code, line.stdout.text, prunes]).toEqual([0, 'Total reclaimed space: 0B\n', []]);
  });

  it.each([
    ['image prune', 1],
    ['image prune -a -q', 2],
    ['image prune -a -o json', 2],
  ])('%s asks with what the core will remove', async (line, count) => {
    const asked = startCommandLine(line.split(' '), { core, tty: true });
    await asked.stderr.until('Remove them?');
    expect(asked.stderr.text.match(/^ {2}<none> \(1[23], .*\)$/gm)).toHaveLength(count);
    expect(asked.stderr.text).toMatch(/^ {2}what interrupted pulls have left \(12MiB\)$/m);
    asked.stdin.write('n\r');
    expect([await asked.code, prunes]).toEqual([130, []]);
    expect(asked.stderr.text).toContain('nothing was removed');
    const again = startCommandLine(line.split(' '), { core, tty: true });
    await again.stderr.until('Remove');
    again.stdin.write('y\r');
    expect([await again.code, prunes.length]).toEqual([0, 1]);
  });
});

it.each([
  ['image save', 'fsb-ctl image save [FLAGS] REFERENCE...'],
  ['images', 'fsb-ctl image list [FLAGS] [REPOSITORY]'],
  ['load', 'fsb-ctl image import [FLAGS] [FILE] [NAME]'],
])('the help of %s shows where flags go, and that there may be several', async (words, usage) => {
  expect(await fsb(`${words} --help`)).toMatchObject({ code: 0, stdout: expect.stringContaining(usage) });
});
