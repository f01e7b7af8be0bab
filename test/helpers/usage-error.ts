/** Of a program for developers: says what is wrong with its words, and how it is called, without a stack trace. */
export function failWithUsage(usage: string, problem: string): never {
  process.stderr.write(`Error: ${problem}\n${usage}\n`);
  process.exit(2);
}

/** @param read of `node:util` parseArgs, whose errors are for those who typed the words */
export function wordsOr<T>(usage: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return failWithUsage(usage, (error as Error).message);
  }
}

/** A number above zero, or the usage. */
export function positive(usage: string, flag: string, text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number > 0 && Number.isFinite(number)) return number;
  return failWithUsage(usage, `${flag} takes a number above 0, not ${JSON.stringify(text)}`);
}
