import type { CreateRequest } from '../../api/sandbox-api.ts';
import { didYouMean } from '../../model/failure/did-you-mean.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { DEFAULT_NAMESPACE, isIdStart, nameInUse, nothingNamed } from '../../model/ids.ts';
import { transition } from '../../model/sandbox/phase.ts';
import { refKey, type Sandbox, type SandboxRef } from '../../model/sandbox/sandbox.ts';
import { parseSpec } from '../../model/sandbox/spec.ts';
import type { RecordTable } from '../../store/store.ts';
import type { OnHappening } from './happenings.ts';
import { requestDigest } from './new-sandbox.ts';
import { assertRecordRoom, recordRoom } from './record-room.ts';
import { SandboxEntry } from './sandbox-entry.ts';

export const SANDBOX_RECORD_VERSION = 1;

/**
 * Every sandbox of this core, by id and by name. A name belongs to one sandbox at a time; one that is being deleted
 * has given its name back already and is only found by it while no newer one has it.
 */
export class Registry {
  readonly #table: RecordTable<Sandbox>;
  readonly #happened: OnHappening;
  readonly #entries = new Set<SandboxEntry>();
  readonly #byId = new Map<string, SandboxEntry>();
  readonly #byName = new Map<string, SandboxEntry>();
  readonly #byIdempotencyKey = new Map<string, SandboxEntry>();

  readonly #room: number;

  /**
   * @param happened told of what happens to any of them
   * @param room for all specs, as recordRoom()
   */
  constructor(table: RecordTable<Sandbox>, happened: OnHappening = () => {}, room = recordRoom()) {
    this.#room = room;
    this.#table = table;
    this.#happened = happened;
    for (const [key, sandbox] of table.entries())
      this.#index(new SandboxEntry(key, sandbox, table, happened));
  }

  entries(): SandboxEntry[] {
    return [...this.#entries];
  }

  byId(id: string): SandboxEntry | undefined {
    return this.#byId.get(id);
  }

  /** The sandbox that an earlier call with the same key created. @throws conflict: of another request; invalid_argument */
  repeated(request: CreateRequest): SandboxEntry | undefined {
    const { namespace, idempotencyKey } = request;
    if (!idempotencyKey) return undefined;
    const entry = this.#byIdempotencyKey.get(`${namespace}/${idempotencyKey}`);
    const other = entry && otherThan(entry.sandbox, request);
    if (other === undefined) return entry;
    const { name, createdAs = name } = entry!.sandbox;
    throw new FsbError('conflict', `the idempotency key was used for sandbox ${createdAs}, ${other}`, {
      hint: 'Use a new key for a new sandbox.',
    });
  }

  /** Whether a spec may become so long. @throws no_capacity */
  assertRoomFor(sandbox: Sandbox): void {
    assertRecordRoom(this.#entries, sandbox, this.#room);
  }

  /** Reserves the name before anything else happens. @throws already_exists, no_capacity */
  add(sandbox: Sandbox): SandboxEntry {
    if (this.#byName.has(refKey(sandbox))) throw nameInUse(sandbox.name);
    this.assertRoomFor(sandbox);
    const entry = new SandboxEntry(sandbox.id, sandbox, this.#table, this.#happened);
    this.#index(entry);
    entry.tell({ type: 'created' });
    return entry;
  }

  /** A new generation: another id. When it cannot be recorded, the one before stays. */
  async renew(
    entry: SandboxEntry,
    next: Partial<Sandbox> & { id: string },
    time: number,
    message: string,
  ): Promise<void> {
    const { id, state } = entry.sandbox;
    this.#byId.set(next.id, entry);
    try {
      await entry.change({ ...next, state: transition(state, { phase: 'Pending' }) }, time, message);
    } finally {
      this.#byId.delete(entry.sandbox.id === id ? next.id : id);
    }
  }

  /** When it cannot be recorded, it keeps its name. Until then it has both. @throws already_exists, invalid_argument */
  async rename(entry: SandboxEntry, name: string, time: number): Promise<void> {
    const { sandbox } = entry;
    const { name: old, createdAs = old } = sandbox;
    const key = refKey({ ...sandbox, name });
    if (this.#byName.has(key))
      throw name === old
        ? new FsbError('invalid_argument', `sandbox ${name} has this name already`, {
            hint: 'Give a new one.',
          })
        : new FsbError('already_exists', `cannot rename sandbox ${old}: the name ${name} is in use`, {
            hint: `Choose another one, or delete that one first with: fsb-ctl delete ${name}`,
          });
    this.#byName.set(key, entry);
    try {
      await entry.change({ name, createdAs }, time, `renamed from ${old}`);
    } finally {
      for (const one of [key, refKey(sandbox)])
        if (one !== refKey(entry.sandbox) && this.#byName.get(one) === entry) this.#byName.delete(one);
    }
  }

  /**
   * By its name, or by an id that it has or had, or the beginning of that, as lists show it.
   * @param id as of findAgain()
   * @throws as missing(); conflict when several ids begin so
   */
  require(ref: SandboxRef, id?: string): SandboxEntry {
    const entry = this.findAgain(ref, id);
    if (entry) return entry;
    throw this.missing(ref);
  }

  /** Whose the name is, for whoever wants it: no id counts, nor one that is being deleted. */
  holderOf(ref: SandboxRef): SandboxEntry | undefined {
    return this.#byName.get(refKey(ref));
  }

  /** As find(). @param id of what was found so before: it may have another name now, and another one its name */
  findAgain(ref: SandboxRef, id: string | undefined): SandboxEntry | undefined {
    const known = id === undefined ? undefined : this.#byId.get(id);
    return known?.sandbox.namespace === ref.namespace ? known : this.find(ref);
  }

  /** As require(). @throws conflict when several ids begin so */
  find(ref: SandboxRef): SandboxEntry | undefined {
    return this.#byName.get(refKey(ref)) ?? this.#newestLeaving(ref) ?? this.#withId(ref);
  }

  /** not_found, with the name that was probably meant; invalid_argument when none was named. */
  missing(ref: SandboxRef): FsbError {
    if (ref.name === '') return nothingNamed('sandbox');
    const names = this.entries()
      .filter(({ sandbox }) => sandbox.namespace === ref.namespace)
      .map(({ sandbox }) => sandbox.name);
    const near = didYouMean(ref.name, names);
    const { namespace } = ref;
    const [where, flag] =
      namespace === DEFAULT_NAMESPACE ? ['', ''] : [` in namespace ${namespace}`, ` -n ${namespace}`];
    return new FsbError('not_found', `sandbox ${ref.name} does not exist${where}`, {
      hint: near ? `Did you mean ${near}?` : `See what there is with: fsb-ctl list -a${flag}`,
    });
  }

  /** From here on another sandbox may take the name. */
  releaseName(entry: SandboxEntry): void {
    const { sandbox } = entry;
    if (this.#byName.get(refKey(sandbox)) === entry) this.#byName.delete(refKey(sandbox));
    const key = idempotencyKeyOf(sandbox);
    if (key !== undefined && this.#byIdempotencyKey.get(key) === entry) this.#byIdempotencyKey.delete(key);
  }

  /**
   * Forgets the sandbox, for `why`; resolves when its record is gone. When that fails, it is as before, and can be tried
   * again.
   */
  async remove(entry: SandboxEntry, why: string): Promise<void> {
    await this.#table.remove(entry.key);
    this.releaseName(entry);
    this.#byId.delete(entry.sandbox.id);
    this.#entries.delete(entry);
    entry.tell({ type: 'deleted' });
    entry.leave(new FsbError('not_found', `sandbox ${entry.sandbox.name} does not exist: ${why}`));
  }

  /** One that is being deleted has no name to be found by any more, and is not meant by its id either. */
  #withId({ namespace, name }: SandboxRef): SandboxEntry | undefined {
    if (!isIdStart(name)) return undefined;
    const found = [...this.#byName.values()].filter(
      (entry) => entry.sandbox.namespace === namespace && idsOf(entry).some((id) => id.startsWith(name)),
    );
    if (found.length < 2) return found[0];
    const names = found.map(({ sandbox }) => sandbox.name).join(', ');
    throw new FsbError('conflict', `several sandboxes have an id that begins with ${name}: ${names}`, {
      hint: 'Give more of the id, or the name.',
    });
  }

  #newestLeaving(ref: SandboxRef): SandboxEntry | undefined {
    return this.entries()
      .filter(({ sandbox }) => refKey(sandbox) === refKey(ref))
      .sort((a, b) => b.sandbox.createdAt - a.sandbox.createdAt)[0];
  }

  #index(entry: SandboxEntry): void {
    const { sandbox } = entry;
    this.#entries.add(entry);
    this.#byId.set(sandbox.id, entry);
    if (sandbox.state.phase === 'Terminating') return;
    this.#byName.set(refKey(sandbox), entry);
    const key = idempotencyKeyOf(sandbox);
    if (key !== undefined) this.#byIdempotencyKey.set(key, entry);
  }
}

/** The key is its first one, which records of earlier versions do not have among the others. */
function idsOf({ key, sandbox: { id, earlierIds = [] } }: SandboxEntry): string[] {
  return [id, key, ...earlierIds];
}

/** What of an earlier request with the same key was not as it is in this one. @throws invalid_argument */
function otherThan(earlier: Sandbox, { name, spec, autoRemove = false }: CreateRequest): string | undefined {
  const { createdAs = earlier.name, requestDigest: digest, autoRemove: removed = false } = earlier;
  if (digest !== undefined && digest !== requestDigest(parseSpec(spec))) return 'with another spec';
  // One of the two callers would lose a sandbox, or be left with one.
  if (removed !== autoRemove) return removed ? 'with --rm' : 'without --rm';
  return name === '' || name === createdAs ? undefined : 'with another name';
}

function idempotencyKeyOf(sandbox: Sandbox): string | undefined {
  return sandbox.idempotencyKey === undefined ? undefined : `${sandbox.namespace}/${sandbox.idempotencyKey}`;
}
