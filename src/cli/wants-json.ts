/** Before the flags are parsed, and when they cannot be: does the user want JSON? */
export function wantsJson(argv: string[]): boolean {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  return own.some(
    (word, i) =>
      word === '--json' ||
      word === '-ojson' ||
      word === '-o=json' ||
      word === '--output=json' ||
      ((word === '-o' || word === '--output') && own[i + 1] === 'json'),
  );
}
