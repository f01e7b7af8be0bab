import { formatSize } from '../../core/model/quantity.ts';
import { type RemovedView, removedView } from '../../core/view/image-view.ts';
import { removedLines } from '../output/listings/image-view.ts';
import type { Listing } from '../output/output.ts';
import { nameOf, type Pruned } from './prune.ts';

/** `system prune`, as `-o json` shows it. */
export interface SystemPrunedView {
  sandboxes: { name: string; namespace: string; id: string; freed_bytes: number }[];
  logs: { name: string; namespace: string; id: string; freed_bytes: number }[];
  images: RemovedView[];
  set_aside: { path: string; size_bytes: number }[];
  /** What interrupted pulls had left included. */
  freed_bytes: number;
}

export function systemPrunedListing(pruned: Pruned): Listing<SystemPrunedView> {
  const { sandboxes, logs, images, setAside } = pruned;
  const view: SystemPrunedView = {
    sandboxes: sandboxes.map(({ sandbox: { name, namespace, id }, size }) => ({
      ...{ name, namespace, id, freed_bytes: size },
    })),
    logs: logs.map(({ name, namespace, id, size }) => ({ name, namespace, id, freed_bytes: size })),
    images: images.removed.map(removedView),
    set_aside: setAside.map(({ path, size }) => ({ path, size_bytes: size })),
    freed_bytes: bytesOf(pruned),
  };
  const text = [
    ...paragraph(
      'Deleted sandboxes:',
      sandboxes.map(({ sandbox }) => nameOf(sandbox)),
    ),
    ...paragraph('Removed logs of deleted sandboxes:', logs.map(nameOf)),
    ...paragraph('Deleted images:', images.removed.flatMap(removedLines)),
    ...paragraph(
      'Removed what was set aside:',
      setAside.map(({ path }) => path),
    ),
    `Total reclaimed space: ${formatSize(view.freed_bytes)}\n`,
  ].join('');
  return { items: [view], single: true, columns: [], name: () => '', describe: () => text };
}

/** For -q and `-o name`: a sandbox, the id of a deleted one, a digest or a path a line. */
export function systemPrunedNames({ sandboxes, logs, images, setAside }: Pruned): Listing<{ name: string }> {
  const names = [
    ...sandboxes.map(({ sandbox }) => nameOf(sandbox)),
    ...logs.map(({ id }) => id),
    ...images.removed.map(({ image }) => image.digest),
    ...setAside.map(({ path }) => path),
  ];
  return { items: names.map((name) => ({ name })), columns: [], name: ({ name }) => name };
}

const paragraph = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${[title, ...lines].join('\n')}\n\n`];

const bytesOf = ({ sandboxes, logs, images, setAside }: Pruned): number =>
  [...sandboxes, ...logs, ...setAside].reduce((sum, { size }) => sum + size, images.freed);
