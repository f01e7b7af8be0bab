import { join } from 'node:path';
import { debianImage } from '../../helpers/image/images/debian-image.ts';
import { type Figures, figures, type Samples } from '../figures/stats.ts';
import { byTurns, inScratch, startDebianRegistry, timed, timedOnEmptyCore } from './debian.ts';

/**
 * A whole pull, from a registry on the loopback interface to an image that is ready, into an empty store each time;
 * against skopeo and umoci one after the other, which is how the same is done without an engine.
 */
export async function pullGroup(scale: number): Promise<Figures[]> {
  await using registry = await startDebianRegistry();
  const { address, reference } = registry;
  const ours = async () => ({
    'pull: fsb-ctl pull': await timedOnEmptyCore(['pull', '-q', reference], address),
  });
  const theirs = () =>
    inScratch(async (directory) => {
      const layout = `oci:${join(directory, 'layout')}:test`;
      const words = ['copy', '--insecure-policy', '--src-tls-verify=false', `docker://${reference}`, layout];
      const download = await timed('skopeo', words);
      const unpack = await umociUnpack(join(directory, 'layout'), 'test', directory);
      return {
        'pull: skopeo copy, umoci unpack': download + unpack,
        'pull: skopeo copy alone (download)': download,
        'pull: umoci unpack alone': unpack,
      };
    });
  return rowsOf(await byTurns(Math.ceil(5 * scale), [ours, theirs]), 'pull: skopeo copy, umoci unpack');
}

/** Without a registry: an image from a directory of this machine. Ours also copies and verifies what it reads. */
export async function unpackGroup(scale: number): Promise<Figures[]> {
  const { layout } = await debianImage();
  const ours = async () => ({
    'unpack: fsb-ctl image import (copy, verify, unpack)': await timedOnEmptyCore([
      'image',
      'import',
      layout,
    ]),
  });
  const theirs = () =>
    inScratch(async (directory) => ({
      'unpack: umoci unpack': await umociUnpack(layout, 'latest', directory),
    }));
  return rowsOf(await byTurns(Math.ceil(5 * scale), [ours, theirs]), 'unpack: umoci unpack');
}

const umociUnpack = (layout: string, tag: string, directory: string): Promise<number> =>
  timed('umoci', ['unpack', '--image', `${layout}:${tag}`, join(directory, 'bundle')]);

/** No slower than the two tools one after the other, on the same machine at the same time. */
function rowsOf(found: Map<string, Samples>, theirs: string): Figures[] {
  return [...found].map(([name, samples]) => {
    const isOurs = name.includes('fsb-ctl');
    return figures(name, samples, isOurs ? { budget: `1 x ${theirs}` } : {});
  });
}
