import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that this process holds, Buffers among them, after a collection. */
export function heapInUse(): number {
  collect();
  // The memory of Buffers is given back behind the first one.
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
