/** What a caller may do; each one includes those before it. */
export const SCOPES = ['read', 'use', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who calls a core, and what they may do. */
export interface Caller {
  /** Of the token or of the certificate; `local` for the user of the core itself. */
  name: string;
  scopes: readonly Scope[];
  namespaces: readonly string[] | 'all';
}

/** The user of the core, over a socket that only they can open. */
export const LOCAL_CALLER: Caller = { name: 'local', scopes: ['admin'], namespaces: 'all' };

const rank = (scope: Scope): number => SCOPES.indexOf(scope);

export const hasScope = ({ scopes }: Caller, wanted: Scope): boolean =>
  scopes.some((scope) => rank(scope) >= rank(wanted));

export const mayEnter = ({ namespaces }: Caller, namespace: string): boolean =>
  namespaces === 'all' || namespaces.includes(namespace);
