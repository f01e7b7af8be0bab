/** The words that are not those of a command in a guest. */
export const beforeGuest = (argv: string[]): string[] =>
  argv.slice(0, (argv.indexOf('--') + 1 || Infinity) - 1);

export const asksForHelp = (argv: string[]): boolean =>
  beforeGuest(argv).some((word) => word === '--help' || word === '-h');

export const isWord = (word: string): boolean => !word.startsWith('-');
