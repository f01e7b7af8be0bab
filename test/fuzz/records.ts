import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { isInstanceRecord, isSlotRecord } from '../../src/core/agent/ledger/record-forms.ts';
import {
  type InstanceRecord,
  type SlotRecord,
  upgradeInstanceRecord,
} from '../../src/core/agent/ledger/records.ts';
import { isPoolRecord, type PoolRecord, storedPolicy } from '../../src/core/agent/pools/pool-record.ts';
import { verdict } from '../../src/core/agent/recovery/verdict.ts';
import { Registry } from '../../src/core/controller/records/registry.ts';
import { isSandboxRecord } from '../../src/core/controller/records/sandbox-record.ts';
import type { Sandbox } from '../../src/core/model/sandbox/sandbox.ts';
import { shapeKey } from '../../src/core/model/sandbox/shape.ts';
import { decodeRecord } from '../../src/core/store/record-table.ts';
import { sandboxToWire } from '../../src/core/wire/convert/sandbox.ts';
import { memoryTable } from '../helpers/core/memory-table.ts';
import { corpusDirectory } from './corpus-files.ts';
import { mutated } from './mutations.ts';

interface Kind {
  fits: (value: unknown) => boolean;
  /** What a core that starts does with one. */
  use: (value: unknown) => unknown;
}

const ground = { node: { cores: 2, pids: 32_768, memory: 2 ** 34 }, runtime: 'runc' };

const kinds: Record<string, Kind> = {
  sandbox: {
    fits: isSandboxRecord,
    use: (value) => {
      const [entry] = new Registry(memoryTable<Sandbox>([['key', value as Sandbox]])).entries();
      return sandboxToWire(entry!.sandbox);
    },
  },
  instance: {
    fits: isInstanceRecord,
    use: (value) => {
      const { shape } = value as InstanceRecord;
      return [shapeKey(shape), verdict(true, value as InstanceRecord, undefined, undefined)];
    },
  },
  slot: {
    fits: isSlotRecord,
    use: (value) => {
      const { process, end } = value as SlotRecord;
      return [process.argv.join(' '), Object.entries(process.env), end?.at.toFixed()];
    },
  },
  pool: {
    fits: isPoolRecord,
    use: (value) => storedPolicy((value as PoolRecord).said, ground),
  },
};

/** Every place in a value, as a path. */
function places(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, part]) => places(part, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  const part = replaced(copy[key], rest, by);
  if (part === undefined) delete copy[key];
  else copy[key] = part;
  return copy;
}

/** The record with one part of it gone, or something else. */
const altered = (record: unknown): fc.Arbitrary<unknown> =>
  fc
    .tuple(fc.constantFrom(...places(record)), fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }))
    .map(([path, by]) => replaced(record, path, by));

const anyRecord = fc.constantFrom(...Object.keys(kinds)).chain((kind) => {
  const text = readFileSync(join(corpusDirectory('records'), `${kind}.json`), 'utf8');
  const bytes = mutated([Buffer.from(`[1,${text.trim()}]`)]).map((some) => some.toString());
  return fc.record({
    kind: fc.constant(kind),
    value: fc.oneof(
      altered(JSON.parse(text)),
      bytes.map((some) => decodeRecord(some)?.value),
    ),
  });
});

/** What is not set aside can be used, and what cannot be used is set aside. */
export const recordsProperty = () =>
  fc.property(anyRecord, ({ kind, value }) => {
    const { fits, use } = kinds[kind]!;
    if (fits(value)) use(value);
    if (kind !== 'instance' || typeof value !== 'object' || value === null) return;
    const upgraded = upgradeInstanceRecord(value, 1);
    if (isInstanceRecord(upgraded)) use(upgraded);
  });
