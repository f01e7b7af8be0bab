import type { Caller, Scope } from '../../model/caller.ts';
import type { ProcessSession } from '../../model/process.ts';

/** A method of a part of the core. */
// biome-ignore lint/suspicious/noExplicitAny: rows are about the arguments of any method; tables give them their types.
export type Method = (...args: any[]) => unknown;

/** What a method gives: the items of a stream, or what its promise resolves to. */
type Given<M extends Method> =
  ReturnType<M> extends AsyncIterable<infer Item> ? Item : Awaited<ReturnType<M>>;

/** What one method asks of its caller. */
export interface Row<M extends Method = Method> {
  scope: Scope;
  /** Its name or the like, for the audit log; never an environment, an argument of a command or a secret. */
  object?: (...args: Parameters<M>) => string;
  /** The same, where only the result says it. */
  made?: (given: Given<M>, ...args: Parameters<M>) => string;
  /** It changes nothing when it goes well, so that there may be any number of such calls. */
  idle?: (...args: Parameters<M>) => boolean;
  /** The namespaces that the arguments name. */
  namespaces?: (...args: Parameters<M>) => string[];
  /** It reaches beyond namespaces: only for callers who may enter all of them. */
  everywhere?: true;
  /** Asks for a part of the node itself, so that its caller could take all of it. */
  touchesNode?: (...args: Parameters<M>) => boolean;
  /** The result, or an item of the stream, as a caller sees who may not see the `whole` of it; undefined: not at all. */
  shown?: (given: Given<M>, caller: Caller) => Given<M> | undefined;
  /** Who sees the whole of it: with this scope, in all namespaces. Left out: that of the row. */
  whole?: Scope;
  /** What is really asked when this caller asks. */
  narrowed?: (caller: Caller, ...args: Parameters<M>) => Parameters<M>;
  /** It takes a while to change something: that it began is written down, too, for a core that does not live to see its end. */
  begun?: true;
  /** It gives a process. Whether the call goes on until that has ended, or its caller lets go of it: not where it was only to be started. */
  process?: (...args: Parameters<M>) => boolean;
  /** It gives a stream, not a promise. */
  stream?: ReturnType<M> extends AsyncIterable<unknown> ? true : never;
}

type MethodsOf<Part> = { [Name in keyof Part as Part[Name] extends Method ? Name : never]: Part[Name] };

/** Without it the audit log would say of what has only begun that it went well. */
type OfProcess<M extends Method> =
  Awaited<ReturnType<M>> extends ProcessSession ? Required<Pick<Row<M>, 'process' | 'begun'>> : unknown;

/** A row for each method of a part: one that is missing does not compile. */
export type Table<Part> = {
  [Name in keyof MethodsOf<Part>]-?: MethodsOf<Part>[Name] extends Method
    ? Row<MethodsOf<Part>[Name]> & OfProcess<MethodsOf<Part>[Name]>
    : never;
};
