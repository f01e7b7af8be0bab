import type { ImageDetails } from '../../core/model/image/image.ts';
import { formatPlatform } from '../../core/model/image/platform.ts';
import { familiarName } from '../../core/model/image/reference.ts';
import { formatAge, formatSize } from '../../core/model/quantity.ts';
import { type ImageDetailsView, imageDetailsView } from '../../core/view/image-details-view.ts';
import { namesOf } from './image-view.ts';
import { type DockerRow, type Listing, printable } from './output.ts';

export function imageDetails(images: ImageDetails[], now: number): Listing<ImageDetailsView> {
  const items = images.map(imageDetailsView);
  return {
    items,
    columns: [],
    name: (view) => view.references[0] ?? view.digest,
    docker: (view) => [dockerImage(view)],
    // All of them: the table of a list would say nothing that `image list` does not.
    describe: () => items.map((view) => describeImage(view, now)).join('\n'),
  };
}

/** As `docker image inspect`, where ours folds into no other name. */
const dockerImage = ({ digest, references, os, size_bytes }: ImageDetailsView): DockerRow => ({
  ...{ Id: digest, RepoTags: references.map(familiarName), Os: os, Size: size_bytes },
});

function describeImage(view: ImageDetailsView, now: number): string {
  const { config } = view;
  const since = (time: string | null): string =>
    time === null ? '' : `${time} (${formatAge(now - Date.parse(time))} ago)`;
  const rows: [string, string][] = [
    ['Names', namesOf(view)],
    ['Digest', view.digest],
    ['From', view.repo_digests.join(', ')],
    ['Id', view.config_digest],
    ['Type', view.media_type],
    ['Platform', formatPlatform(view)],
    ['Author', view.author],
    ['Created', since(view.created)],
    ['Imported', since(view.imported_at)],
    ['Size', `${formatSize(view.size_bytes)}, ${formatSize(view.unique_size_bytes)} of it its own`],
    ['Used by', view.used_by.join(', ')],
    ['Entrypoint', words(config.entrypoint)],
    ['Command', words(config.cmd)],
    ['User', config.user],
    ['Directory', config.working_dir],
    ['Stop signal', config.stop_signal ?? ''],
    ['Ports', config.exposed_ports.join(', ')],
  ];
  const labels = Object.entries(config.labels).map(([key, value]) => `${key}=${value}`);
  const layers = view.layers.map(
    (layer) =>
      `${layer.digest} ${formatSize(layer.size_bytes)} (${formatSize(layer.unpacked_size_bytes)} unpacked)`,
  );
  const history = view.history.map(({ created_by, comment }) => created_by || comment || '-');
  return (
    rows
      .filter(([, value]) => value !== '')
      .map(([title, value]) => `${`${title}:`.padEnd(13)}${printable(value)}\n`)
      .join('') +
    section('Environment', config.env) +
    section('Labels', labels) +
    section('Layers', layers) +
    section('History', history)
  );
}

const words = (list: string[]): string => (list.length === 0 ? '' : JSON.stringify(list));

const section = (title: string, lines: string[]): string =>
  lines.length === 0 ? '' : `${title}:\n${lines.map((line) => `  ${printable(line)}\n`).join('')}`;
