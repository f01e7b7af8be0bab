import { type Caller, hasScope, mayEnter } from '../../model/caller.ts';
import { type ErrorCode, FsbError } from '../../model/failure/errors.ts';
import type { ProcessSession } from '../../model/process.ts';
import { withClose } from '../../model/with-close.ts';
import type { Telling } from './audit-log.ts';
import type { Method, Row, Table } from './row.ts';

/** What became of a call, for whoever keeps the audit log. */
export interface Outcome {
  /** `sandboxes.create` */
  method: string;
  object: string;
  /** `begun`: how it ends comes later, in another one. */
  code: 'begun' | 'ok' | ErrorCode;
}

export interface Guard {
  caller: Caller;
  /**
   * Told of each call that changes something, and of each refusal.
   * `hasBegun`: what it answered when it was told that the call had begun.
   * @returns whether it tells it to others now
   */
  audit?: (outcome: Outcome, telling: Telling) => boolean;
  /** Told of each call that the caller's scopes or namespaces forbid. */
  onForbidden?: () => void;
}

/** Who may do all of it, and is not written down: there is nothing to guard. */
export const isFree = ({ caller, audit }: Guard): boolean =>
  audit === undefined && caller.namespaces === 'all' && hasScope(caller, 'admin');

/**
 * A part of the core as a caller has it: each method asks its row first. What has no row is not there.
 * @param name of the part
 */
export function guardPart<Part extends object>(
  name: string,
  part: Part,
  table: Table<Part>,
  guard: Guard,
): Part {
  const guarded: Record<string, Method> = {};
  for (const [method, row] of Object.entries(table) as [keyof Part & string, Row][]) {
    const call: Method = (...args) => (part[method] as Method).apply(part, args);
    const one = { ...guard, row, name: `${name}.${method}` };
    guarded[method] = row.stream ? streamOf(call, one) : answerOf(call, one);
  }
  return guarded as Part;
}

interface GuardedCall extends Guard {
  row: Row;
  name: string;
}

const answerOf =
  (call: Method, guarded: GuardedCall): Method =>
  async (...args) => {
    let hasBegun = false;
    try {
      admit(guarded, args);
      if (guarded.row.begun) hasBegun = tell(guarded, args, 'begun');
      const given = await call(...narrowed(guarded, args));
      if (guarded.row.process?.(...args))
        return toldAtItsEnd(given as ProcessSession, (code) => tell(guarded, args, code, { hasBegun }));
      const shown = isShownAll(guarded) ? given : guarded.row.shown!(given as never, guarded.caller);
      tell(guarded, args, 'ok', { hasBegun, made: guarded.row.made?.(given as never, ...args) });
      return shown;
    } catch (error) {
      tell(guarded, args, FsbError.from(error).code, { hasBegun });
      throw error;
    }
  };

/** A process as a call that is over once: when it has ended, or when its caller has let go of it before. */
function toldAtItsEnd(session: ProcessSession, told: (code: Outcome['code']) => void): ProcessSession {
  let isOver = false;
  const over = (code: Outcome['code']): void => {
    if (!isOver) told(code);
    isOver = true;
  };
  session.exited.then(
    () => over('ok'),
    (error) => over(FsbError.from(error).code),
  );
  return withClose(session, () => {
    over('cancelled');
    return session.close();
  });
}

const streamOf = (call: Method, guarded: GuardedCall): Method =>
  async function* (...args) {
    let code: Outcome['code'] = 'cancelled';
    try {
      admit(guarded, args);
      for await (const item of call(...narrowed(guarded, args)) as AsyncIterable<unknown>) {
        const shown = isShownAll(guarded) ? item : guarded.row.shown!(item as never, guarded.caller);
        if (shown !== undefined) yield shown;
      }
      code = 'ok';
    } catch (error) {
      code = FsbError.from(error).code;
      throw error;
    } finally {
      tell(guarded, args, code);
    }
  };

const narrowed = ({ row, caller }: GuardedCall, args: unknown[]): unknown[] =>
  row.narrowed === undefined ? args : row.narrowed(caller, ...args);

const isShownAll = ({ row, caller }: GuardedCall): boolean =>
  row.shown === undefined || (caller.namespaces === 'all' && hasScope(caller, row.whole ?? row.scope));

/** @returns as `audit` */
function tell(
  { audit, row, name }: GuardedCall,
  args: unknown[],
  code: Outcome['code'],
  { hasBegun = false, made = row.object?.(...args) ?? '' }: { hasBegun?: boolean; made?: string } = {},
): boolean {
  if (audit === undefined || (row.scope === 'read' && code !== 'denied')) return false;
  return audit({ method: name, object: made, code }, { hasBegun, isIdle: row.idle?.(...args) ?? false });
}

/** @throws denied */
function admit(guarded: GuardedCall, args: unknown[]): void {
  try {
    assertAllowed(guarded, args);
  } catch (error) {
    guarded.onForbidden?.();
    throw error;
  }
}

/** The same words whether or not there is anything in a namespace. @throws denied */
function assertAllowed({ row, caller, name }: GuardedCall, args: unknown[]): void {
  const needed = row.touchesNode?.(...args) ? 'admin' : row.scope;
  if (!hasScope(caller, needed))
    throw new FsbError('denied', `${caller.name} may not do this: ${reasonOf(row, needed, name)}`, {
      hint: `Ask who runs the core for a token or a certificate with the scope ${needed}.`,
    });
  if (row.everywhere && caller.namespaces !== 'all')
    throw new FsbError('denied', `${caller.name} may not do this: leases are in no namespace`, {
      hint: 'They are for callers who may enter every namespace. Use a sandbox, or a one-shot run.',
    });
  const closed = row.namespaces?.(...args).find((namespace) => !mayEnter(caller, namespace));
  if (closed !== undefined)
    throw new FsbError('denied', `${caller.name} may not enter the namespace ${closed}`, {
      hint: `Theirs: ${(caller.namespaces as readonly string[]).join(', ')}. Say which one with -n.`,
    });
}

const reasonOf = (row: Row, needed: string, name: string): string =>
  needed === row.scope
    ? `${name} needs the scope ${needed}`
    : `mounts and a network of the node need the scope ${needed}`;
