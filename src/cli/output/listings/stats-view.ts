import { shortId } from '../../../core/model/ids.ts';
import { formatSize } from '../../../core/model/quantity.ts';
import type { Listing } from '../output.ts';

/** A row of `stats` as `-o json` shows it; what is not known, or of one that does not run, is null. */
export interface StatsView {
  name: string;
  namespace: string;
  id: string;
  /** RFC3339; when it was measured. */
  time: string | null;
  /** 100 is one whole core. */
  cpu_percent: number | null;
  /** Bytes. */
  memory: number | null;
  memory_limit: number | null;
  memory_percent: number | null;
  /** Processes and threads. */
  pids: number | null;
}

/** @param full whole ids in templates, too; `namespaces`: they are of several */
export const statsListing = (
  items: StatsView[],
  { full, namespaces }: { full: boolean; namespaces: boolean },
): Listing<StatsView> => ({
  items,
  columns: [
    ...(namespaces ? [{ title: 'NAMESPACE', value: (s: StatsView) => s.namespace }] : []),
    { title: 'NAME', whole: true, value: ({ name }) => name },
    { title: 'CPU %', value: ({ cpu_percent }) => percent(cpu_percent) },
    { title: 'MEM USAGE / LIMIT', value: usage },
    { title: 'MEM %', spare: 0, value: ({ memory_percent }) => percent(memory_percent) },
    { title: 'PIDS', spare: -1, value: ({ pids }) => count(pids) },
    { title: 'ID', wide: true, value: ({ id }) => id },
  ],
  name: ({ name }) => name,
  namesakes: true,
  docker: (view) => [
    {
      ...{ Container: view.name, Name: view.name },
      ID: full ? view.id : shortId(view.id),
      CPUPerc: percent(view.cpu_percent),
      MemUsage: usage(view),
      MemPerc: percent(view.memory_percent),
      PIDs: count(view.pids),
      // Nobody counts them: as docker shows what it does not know.
      ...{ NetIO: `${NONE} / ${NONE}`, BlockIO: `${NONE} / ${NONE}` },
    },
  ],
});

/** As docker shows it. */
const NONE = '--';

const usage = ({ memory, memory_limit }: StatsView): string => `${size(memory)} / ${size(memory_limit)}`;
const percent = (value: number | null): string => (value === null ? NONE : `${value.toFixed(2)}%`);
const count = (value: number | null): string => (value === null ? NONE : String(value));
const size = (bytes: number | null): string => (bytes === null ? NONE : formatSize(bytes));
