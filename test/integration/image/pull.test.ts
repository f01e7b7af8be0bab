import { rm } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { PullEvent } from '../../../src/core/model/image/pull.ts';
import {
  addBlob,
  addImage,
  ociArchitecture,
  ociMediaTypes,
  sha256,
  tarOf,
} from '../../helpers/image/image-files.ts';
import { tinyImage } from '../../helpers/image/image-store-fixture.ts';
import { usePullFixture } from '../../helpers/image/pull-fixture.ts';

const images = usePullFixture();
const NAME = 'docker.io/library/tiny';

describe('a pull', () => {
  it('brings the image for this machine, by its name and by the digest that the name meant', async () => {
    const done = await images.pull('tiny');
    const digest = images.manifest.digest;
    expect(done).toMatchObject({ reference: `${NAME}:latest`, digest: images.index.digest, upToDate: false });
    expect(done.image).toMatchObject({
      ...{ references: [`${NAME}:latest`], repoDigests: [`${NAME}@${images.index.digest}`], digest },
      architecture: ociArchitecture,
    });
    expect(await images.contentOf('tiny')).toBe('A');
    expect(await images.store.inspect('tiny')).toMatchObject({
      mediaType: ociMediaTypes.manifest,
      layers: [{ mediaType: ociMediaTypes.layer }, { mediaType: ociMediaTypes.layer }],
    });
    expect(await images.leftovers()).toEqual([]);
    expect(await images.openFiles()).toEqual([]);
  });

  it('tells first how all layers are, then what becomes of each', async () => {
    const events: PullEvent[] = [];
    for await (const event of images.store.pull({ reference: 'tiny' })) events.push(event);
    expect(events[0]).toMatchObject({
      kind: 'resolved',
      digest: images.index.digest,
      layers: [{ state: 'waiting', current: 0 }, { state: 'waiting' }],
    });
    const ends = events.flatMap((event) => (event.kind === 'layer' ? [event.layer.state] : []));
    expect(ends.filter((state) => state === 'done')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ kind: 'done' });
  });

  it('is done at once when all of it is here: no blob is asked for, only the name is set', async () => {
    const before = await images.pull('tiny');
    images.registries.requests.length = 0;
    expect(await images.pull('tiny')).toMatchObject({ upToDate: true, image: before.image });
    images.registries.tag('2', images.index);
    const done = await images.pull('tiny:2');
    expect(done).toMatchObject({ upToDate: true, image: { references: [`${NAME}:2`, `${NAME}:latest`] } });
    expect(images.registries.requests).toEqual(['digest latest', 'digest 2']);
  });

  it('asks for the manifest where the registry does not tell what a tag means, and where it means something else', async () => {
    await images.pull('tiny');
    images.registries.tellsDigests = false;
    images.registries.requests.length = 0;
    expect(await images.pull('tiny')).toMatchObject({ upToDate: true });
    images.registries.tellsDigests = true;
    images.registries.tag('latest', images.manifest);
    expect(await images.pull('tiny')).toMatchObject({ upToDate: true, digest: images.manifest.digest });
    images.registries.tag('latest', addImage(images.files, await tinyImage(undefined, 'B')));
    expect(await images.pull('tiny')).toMatchObject({ upToDate: false });
    expect(images.registries.requests.slice(0, 5)).toEqual([
      ...['digest latest', 'tag latest', 'digest latest', 'digest latest', 'tag latest'],
    ]);
  });

  it('asks for nothing but the manifest when no image of the repository is here', async () => {
    await images.pull('tiny');
    images.registries.requests.length = 0;
    await images.pull('other');
    expect(images.registries.requests).toEqual(['tag latest']);
  });

  it('is up to date after a restart, and when an earlier version has kept no index', async () => {
    await images.pull('tiny');
    await rm(images.blobPath(images.index.digest));
    for (const requests of [['digest latest', 'tag latest'], ['digest latest']]) {
      await images.store.close();
      await images.open();
      images.registries.requests.length = 0;
      expect(await images.pull('tiny')).toMatchObject({ upToDate: true });
      expect(images.registries.requests).toEqual(requests);
    }
  });

  it('is not up to date when the name meant another platform until now', async () => {
    const other = { reference: 'tiny', platform: 'linux/s390x' };
    await images.pull('tiny');
    expect(await images.pull(other)).toMatchObject({ upToDate: false, image: { architecture: 's390x' } });
    expect(await images.pull(other)).toMatchObject({ upToDate: true });
    images.registries.requests.length = 0;
    expect(await images.pull('tiny')).toMatchObject({
      upToDate: false,
      image: { architecture: ociArchitecture, references: [`${NAME}:latest`] },
    });
    expect(images.registries.requests).toEqual(['digest latest']);
  });

  it('asks by digest, and gives no name then; a tag beside a digest says nothing', async () => {
    const { digest } = images.index;
    for (const reference of [`tiny@${digest}`, `tiny:nonsense@${digest}`]) {
      const done = await images.pull(reference);
      expect(done.image).toMatchObject({ references: [], repoDigests: [`${NAME}@${digest}`] });
      expect((await images.store.resolve(reference)).digest).toBe(images.manifest.digest);
    }
    expect(images.registries.count('tag')).toBe(0);
  });

  it('moves a name to what it means by now, and the old image stays without it', async () => {
    const old = await images.pull('tiny');
    const replaced: string[] = [];
    images.store.onNamesChanged((digests) => replaced.push(...digests));
    images.registries.tag('latest', addImage(images.files, await tinyImage(undefined, 'B')));
    images.registries.requests.length = 0;
    const done = await images.pull('tiny');
    expect(await images.contentOf('tiny')).toBe('B');
    expect(replaced).toEqual([old.image.digest]);
    expect(done.image.digest).not.toBe(old.image.digest);
    expect((await images.store.inspect(old.image.digest)).references).toEqual([]);
    // The lower layer is the same.
    expect(images.registries.count('blob')).toBe(2);
  });

  it('may be for another platform', async () => {
    const done = await images.pull({ reference: 'tiny', platform: 'linux/s390x' });
    expect(done.image.architecture).toBe('s390x');
    expect(await images.contentOf('tiny')).toBe('S');
  });

  it('hands on credentials', async () => {
    const credentials = { username: 'me', password: 'secret' };
    await images.pull({ reference: 'tiny', credentials });
    expect(images.registries.credentials).toEqual([credentials]);
  });

  it('understands every image that there is: a layer twice, empty layers, none at all', async () => {
    const layer = await tarOf([{ name: 'file', content: 'x' }]);
    const empty = Buffer.alloc(1024);
    const blob = gzipSync(layer);
    const others = {
      twice: { layers: [layer, empty, layer] },
      'no-bytes': { layers: [Buffer.alloc(0)], compress: (plain: Buffer) => plain },
      gzipped: { layers: [empty, Buffer.alloc(0)] },
      none: { layers: [] },
    };
    for (const [tag, change] of Object.entries(others)) {
      const image = await tinyImage(undefined, '', change);
      images.registries.tag(tag, addImage(images.files, image));
      const { image: info } = await images.pull(`odd:${tag}`);
      expect((await images.store.inspect(info.digest)).layers).toHaveLength(image.layers.length);
    }
    expect(images.registries.requests.filter((request) => request.endsWith(' 0'))).not.toContain(blob);
    expect(await images.contentOf('odd:twice')).toBe('x');
    expect(await images.leftovers()).toEqual([]);
  });

  it('reads at most three layers at a time', async () => {
    const layers = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7].map((number) => tarOf([{ name: `f${number}`, content: `${number}` }])),
    );
    images.registries.tag('many', addImage(images.files, await tinyImage(undefined, '', { layers })));
    let [now, most] = [0, 0];
    let open!: () => void;
    const three = new Promise<void>((resolve) => (open = resolve));
    images.registries.script = async function* (bytes, { digest }) {
      // The configuration comes before them, alone.
      if (!layers.some((layer) => sha256(gzipSync(layer)) === digest)) return yield bytes;
      now += 1;
      most = Math.max(most, now);
      if (now === 3) setImmediate(() => setImmediate(open));
      await three;
      yield bytes;
      now -= 1;
    };
    await images.pull('many:many');
    expect(most).toBe(3);
  });
});

describe('what cannot be pulled', () => {
  const refused = async (reference: string, code: string, ...reasons: string[]): Promise<void> => {
    const error = FsbError.from(await images.pull(reference).catch((caught: unknown) => caught));
    expect(error.code).toBe(code);
    for (const reason of reasons) expect(`${error.message} ${error.hint}`).toContain(reason);
    expect((await images.store.list()).map(({ references }) => references)).toEqual([['host']]);
  };

  it('is named in the error', async () => {
    await refused('tiny:none', 'image_not_found', 'cannot pull tiny:none: ');
    await refused('host', 'invalid_argument', 'built-in');
    await refused('No Name', 'invalid_argument', 'No Name');
  });

  it('has no variant for this machine: the error says what there is', async () => {
    const { digest } = images.index;
    const only = addImage(images.files, await tinyImage(undefined, 'S', { architecture: 's390x' }));
    images.registries.tag('s390x', only);
    images.registries.tag(
      'index',
      images.addIndex([{ ...only, platform: { os: 'linux', architecture: 's390x' } }]),
    );
    for (const tag of ['s390x', 'index'])
      await refused(`tiny:${tag}`, 'image_not_found', 'linux/s390x', '--platform linux/s390x');
    await expect(
      images.pull({ reference: `tiny@${digest}`, platform: 'linux/riscv64' }),
    ).rejects.toMatchObject({ message: expect.stringContaining(`linux/s390x, linux/${ociArchitecture}`) });
  });

  it('is no container image', async () => {
    const config = addBlob(images.files, 'application/vnd.cncf.helm.config.v1+json', Buffer.from('{}'));
    images.registries.tag('helm', images.addDocument({ schemaVersion: 2, config, layers: [] }));
    await refused('chart:helm', 'bad_image', 'helm chart', 'vnd.cncf.helm');
    const empty = addBlob(images.files, 'application/vnd.oci.empty.v1+json', Buffer.from('{}'));
    const artifact = { schemaVersion: 2, artifactType: 'application/x-sbom', config: empty, layers: [] };
    images.registries.tag('sbom', images.addDocument(artifact));
    await refused('tiny:sbom', 'bad_image', 'artifact', 'application/x-sbom');
    images.registries.tag('old', images.addDocument({ schemaVersion: 1, name: 'x', fsLayers: [] }));
    await refused('tiny:old', 'unsupported', 'first schema');
  });

  it('has a layer that is not what its manifest says', async () => {
    images.registries.script = async function* (bytes) {
      const wrong = Buffer.from(bytes);
      wrong[wrong.length - 1]! ^= 1;
      yield wrong;
    };
    await refused('tiny', 'bad_image', 'cannot pull tiny:latest: ', 'sha256:', 'Pull it again');
    expect(await images.leftovers()).toEqual([]);
  });

  it('has a layer that is not what its configuration says', async () => {
    const image = await tinyImage(undefined, 'A');
    images.registries.tag(
      'lies',
      addImage(images.files, { ...image, compress: () => gzipSync(image.layers[0]!) }),
    );
    await refused('tiny:lies', 'bad_image', 'cannot pull tiny:lies: ');
    expect((await images.leftovers()).filter((name) => name.startsWith('staging'))).toEqual([]);
  });
});
