/** What to say of flags, by their names without dashes. */
export type Hints = Readonly<Record<string, string>>;

/** The same of several, whose names stand between blanks. */
export const hintsFor = (hint: string, flags: string): Hints =>
  Object.fromEntries(flags.split(/\s+/).map((flag) => [flag, hint]));
