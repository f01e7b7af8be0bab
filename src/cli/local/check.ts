/** One line of `doctor`, also as `-o json` shows it. */
export interface Check {
  name: string;
  ok: boolean;
  found: string;
  /** What to do about it, or to make it better; empty when all is well. */
  hint: string;
}
