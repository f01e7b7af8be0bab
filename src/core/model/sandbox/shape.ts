import { createHash } from 'node:crypto';

export interface Resources {
  /** Cores, may be fractional. */
  cpus: number;
  /** Bytes. */
  memory: number;
  /** Processes and threads. */
  pids: number;
  /** Bytes that may be written in it; left out: as many as there is room for. Fixed with the boot. */
  disk?: number;
}

export const defaultResources: Resources = { cpus: 1, memory: 512 * 1024 * 1024, pids: 256 };

export type NetworkMode = 'none' | 'host';

export interface Mount {
  /** Absolute path on the node. */
  source: string;
  /** Absolute path in the guest. */
  target: string;
  readOnly: boolean;
}

/** Every boot-time dimension of an instance. Two instances of one shape are interchangeable. */
export interface Shape {
  /** Digest of the image, `sha256:...`: two tags of one digest share. */
  image: string;
  /** Name of the runtime that boots it: `runc`, `crun`. */
  runtime: string;
  resources: Resources;
  network: NetworkMode;
  mounts: Mount[];
  /** The earlier instance that it is again: it has its id, and its files. Such an instance is of use to one holder only. */
  again?: string;
  /** Nothing but tools of fsb-init runs in it: no warm-up command before them. */
  toolsOnly?: true;
}

/** By what people tell shapes apart. What is mounted is its owner's affair, and not in it. */
export interface ShapeSummary extends Pick<Shape, 'runtime' | 'resources' | 'network'> {
  /** Absolute paths in the guest. */
  mounts: string[];
  /** It goes on with the files of an earlier instance. */
  keptFiles: boolean;
}

export const summaryOf = ({ runtime, resources, network, mounts, again }: Shape): ShapeSummary => ({
  ...{ runtime, resources, network, keptFiles: again !== undefined },
  mounts: mounts.map(({ target }) => target).sort(),
});

/** The same text for the same shape, whatever the order of its parts was; 16 hex digits. */
export function shapeKey(shape: Shape): string {
  const mounts = [...shape.mounts]
    .sort((a, b) => (a.target < b.target ? -1 : 1))
    .map((m) => [m.source, m.target, m.readOnly]);
  const { cpus, memory, pids, disk } = shape.resources;
  const canonical = JSON.stringify([shape.image, shape.runtime, cpus, memory, pids, shape.network, mounts]);
  const limited = disk === undefined ? '' : `\ndisk ${disk}`;
  const again = shape.again === undefined ? '' : `\n${shape.again}`;
  return createHash('sha256')
    .update(canonical + limited + again + (shape.toolsOnly ? '\ntools' : ''))
    .digest('hex')
    .slice(0, 16);
}
