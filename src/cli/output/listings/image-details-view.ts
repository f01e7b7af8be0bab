import type { ImageDetails } from '../../../core/model/image/image.ts';
import { formatPlatform } from '../../../core/model/image/platform.ts';
import { familiarName } from '../../../core/model/image/reference.ts';
import { formatAge, formatSize } from '../../../core/model/quantity.ts';
import { type ImageDetailsView, imageDetailsView } from '../../../core/view/image-details-view.ts';
import { type Listing, printable } from '../output.ts';
import { namesOf } from './image-view.ts';

/** What `docker image inspect` calls things, beside our own names. */
export interface ImageInspectView extends ImageDetailsView {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Empty where the image does not say when it was built. */
  Created: string;
  Author: string;
  Architecture: string;
  Variant: string;
  Os: string;
  Size: number;
  Config: {
    User: string;
    /** `{ '80/tcp': {} }` */
    ExposedPorts: Record<string, object>;
    Env: string[];
    Entrypoint: string[];
    Cmd: string[];
    WorkingDir: string;
    Labels: Record<string, string>;
    StopSignal: string;
  };
  RootFS: { Type: 'layers'; Layers: string[] };
}

export function imageDetails(images: ImageDetails[], now: number): Listing<ImageInspectView> {
  const items = images.map((image) => inspectView(imageDetailsView(image)));
  return {
    items,
    columns: [],
    name: (view) => view.references[0] ?? view.digest,
    // All of them: the table of a list would say nothing that `image list` does not.
    describe: () => items.map((view) => describeImage(view, now)).join('\n'),
  };
}

function inspectView(view: ImageDetailsView): ImageInspectView {
  const { config, layers } = view;
  return {
    Id: view.digest,
    RepoTags: view.references.map(familiarName),
    RepoDigests: view.repo_digests.map(familiarName),
    ...{ Created: view.created ?? '', Author: view.author },
    ...{ Architecture: view.architecture, Variant: view.variant, Os: view.os, Size: view.size_bytes },
    Config: {
      User: config.user,
      ExposedPorts: Object.fromEntries(config.exposed_ports.map((port) => [`${port}/tcp`, {}])),
      ...{ Env: config.env, Entrypoint: config.entrypoint, Cmd: config.cmd, WorkingDir: config.working_dir },
      ...{ Labels: config.labels, StopSignal: config.stop_signal ?? '' },
    },
    RootFS: { Type: 'layers', Layers: layers.map(({ diff_id }) => diff_id) },
    ...view,
  };
}

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
