import type { CoreFacts } from '../../../core/api/core-api.ts';
import type { Listing } from '../output.ts';

export interface VersionView {
  client: { version: string; node_version: string };
  /** Null when no core was asked or none runs. */
  core: { version: string; node: string; pid: number; runtime: string; root: string } | null;
}

export interface AskedCore {
  core?: CoreFacts;
  /** Where none runs: the endpoint of the local one. */
  missing?: string;
}

/** @param asked neither: nobody asked, or who did is told of it in another way */
export function versionListing(
  version: string,
  nodeVersion: string,
  { core, missing }: AskedCore,
): Listing<VersionView> {
  const view: VersionView = {
    client: { version, node_version: nodeVersion },
    core: core
      ? { version: core.version, node: core.node, pid: core.pid, runtime: core.runtime, root: core.root }
      : null,
  };
  return {
    items: [view],
    single: true,
    columns: [],
    name: (v) => v.client.version,
    // As docker calls them.
    docker: (v, asJson) => [
      asJson
        ? { Client: withCapitals(v.client), Server: v.core && withCapitals(v.core) }
        : { Server: v.core },
    ],
    describe: (v) =>
      [
        `fsb-ctl: ${v.client.version} (node ${v.client.node_version})\n`,
        v.core && `core:    ${v.core.version} (pid ${v.core.pid}, ${v.core.runtime}, ${v.core.root})\n`,
        missing && `core:    not running (${missing})\n`,
      ]
        .filter(Boolean)
        .join(''),
  };
}

/** `node_version` is `NodeVersion`. */
const withCapitals = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
