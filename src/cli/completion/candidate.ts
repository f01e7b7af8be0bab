/** One thing that a word may become. */
export interface Candidate {
  value: string;
  description?: string | undefined;
}

export interface Completion {
  candidates: Candidate[];
  /** Files are candidates, too, and the shell knows best which there are. */
  files?: 'any' | 'directories' | undefined;
}

export const startingWith = (text: string, candidates: Candidate[]): Candidate[] =>
  candidates.filter(({ value }) => value.startsWith(text));

/**
 * A candidate a line, `VALUE` or `VALUE<tab>DESCRIPTION`, then one with what the shell has to do: `:` and any of
 * `files` or `directories`, and `nospace` when the word is not complete with the value.
 */
export function formatCompletion({ candidates, files }: Completion): string {
  const unfinished = candidates.length > 0 && candidates.every(({ value }) => /[=:]$/.test(value));
  const directives = [...(files === undefined ? [] : [files === 'any' ? 'files' : files])];
  if (unfinished) directives.push('nospace');
  const lines = candidates.map(({ value, description }) =>
    description === undefined ? value : `${value}\t${description}`,
  );
  return `${[...lines, `:${directives.join(' ')}`].join('\n')}\n`;
}
