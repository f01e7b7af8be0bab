import type { Document } from 'yaml';
import type { TextFault } from './yaml-faults.ts';

/** The first key that cannot stand where it stands: no plain one, or there already. One look at each key. */
export function faultyKey(document: Document, yaml: typeof import('yaml')): TextFault | undefined {
  let fault: TextFault | undefined;
  yaml.visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const reason = reasonAgainst(key, seen, yaml);
        if (reason === undefined) continue;
        fault = { offset: (yaml.isNode(key) ? key : map).range?.[0] ?? 0, reason };
        return yaml.visit.BREAK;
      }
      return undefined;
    },
  });
  return fault;
}

/** Of a map of texts. A boolean stays one, and is refused as in compose: there, too, `yes` and `true` are no texts. */
export function numbersAsWritten(map: unknown, yaml: typeof import('yaml')): void {
  if (!yaml.isMap(map)) return;
  for (const { value } of map.items)
    if (yaml.isScalar(value) && typeof value.value === 'number') value.value = value.source ?? value.value;
}

function reasonAgainst(key: unknown, seen: Set<unknown>, yaml: typeof import('yaml')): string | undefined {
  if (!yaml.isScalar(key) || typeof key.value === 'object') return 'a key must be a plain text';
  if (seen.has(key.value)) return `the key ${String(key.value)} is there twice`;
  seen.add(key.value);
  return undefined;
}
