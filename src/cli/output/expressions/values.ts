/** Plain data, as it comes out of JSON. */
export type Data = unknown;

export const isObject = (value: Data): value is Record<string, Data> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** docker's names first, and what docker means where both have one. */
export const withDocker = (row: object, docker: Record<string, Data>): Record<string, Data> => ({
  ...docker,
  ...row,
  ...docker,
});

/** As an expression prints it: nothing for what is absent, JSON for what has parts. */
export function textOf(value: Data): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Go's truth: nothing, zero, and what is empty are false. */
export function isTrue(value: Data): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** Own keys only: data of others must not reach `constructor`. */
export const keyOf = (value: Data, key: string): Data =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

/** An element, counted from the end when negative. */
export const elementOf = (value: Data, index: number): Data =>
  Array.isArray(value) ? value.at(index) : undefined;

/** Like `<` on numbers, texts, or anything else as text. */
export function compare(a: Data, b: Data): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [textOf(a), textOf(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** An order that what is absent has no place in: no side of it may be. */
export const ordered =
  (holds: (difference: number) => boolean) =>
  (a: Data, b: Data): boolean =>
    (a ?? null) !== null && (b ?? null) !== null && holds(compare(a, b));

/** Of scalars; what is absent is null. */
export const same = (a: Data, b: Data): boolean => (a ?? null) === (b ?? null);
