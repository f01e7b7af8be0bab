/** Whether a value is one that a wire has room for. Wider than what is valid: that the core says. */

export type Check = (value: unknown) => boolean;

export const isText = (value: unknown): value is string => typeof value === 'string';
export const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
export const isNumber = (value: unknown): value is number => Number.isFinite(value);
export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

export const isTextMap = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.values(value).every(isText);

/** Every key is known, and what is there has room. */
export function fits(value: unknown, checks: Record<string, Check>): boolean {
  if (!isRecord(value)) return false;
  return Object.entries(value).every(
    ([key, item]) => Object.hasOwn(checks, key) && (item === undefined || checks[key]!(item)),
  );
}
