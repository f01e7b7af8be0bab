import { join } from 'node:path';

/**
 * How this node mounts its cgroups. `v2`: one tree for all. `v1`: a tree for each controller. `hybrid`: the same, and a
 * v2 tree without controllers beside them.
 */
export type CgroupMode = 'v1' | 'hybrid' | 'v2';

export interface CgroupLayout {
  mode: CgroupMode;
  hierarchies: CgroupHierarchy[];
}

export interface CgroupHierarchy {
  /** Version 1: `memory`, `cpu`, `name=systemd`. Empty for a v2 tree. */
  controllers: string[];
  mountPoint: string;
}

/**
 * Reads /proc/self/mountinfo.
 * @returns undefined when no cgroup file system is mounted
 */
export function parseCgroupLayout(mountinfo: string): CgroupLayout | undefined {
  const hierarchies: CgroupHierarchy[] = [];
  let unified = false;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const mountPoint = unescapePath(left?.split(' ')[4] ?? '');
    const [type, , options = ''] = (right ?? '').split(' ');
    if (!mountPoint.startsWith('/') || hierarchies.some((known) => known.mountPoint === mountPoint)) continue;
    if (type === 'cgroup2') {
      unified = true;
      hierarchies.push({ controllers: [], mountPoint });
    } else if (type === 'cgroup') {
      const controllers = options.split(',').filter((word) => !IGNORED_OPTIONS.has(word));
      hierarchies.push({ controllers, mountPoint });
    }
  }
  const legacy = hierarchies.some((hierarchy) => hierarchy.controllers.length > 0);
  if (hierarchies.length === 0) return undefined;
  return { mode: legacy ? (unified ? 'hybrid' : 'v1') : 'v2', hierarchies };
}

/** Options of the mount that are no controllers. */
const IGNORED_OPTIONS = new Set(['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'cpuset_v2_mode']);

/** mountinfo writes blanks and backslashes as octal numbers. */
const unescapePath = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The same cgroup in every hierarchy. */
export function groupDirectories(layout: CgroupLayout, cgroup: string): string[] {
  return layout.hierarchies.map((hierarchy) => join(hierarchy.mountPoint, cgroup));
}

/** Where the files of one controller are for this cgroup; undefined when the node lacks the controller. */
export function controllerDirectory(
  layout: CgroupLayout,
  controller: string,
  cgroup: string,
): string | undefined {
  const wanted = layout.hierarchies.find((hierarchy) =>
    layout.mode === 'v2' ? true : hierarchy.controllers.includes(controller),
  );
  return wanted === undefined ? undefined : join(wanted.mountPoint, cgroup);
}
