import { FsbError } from '../../core/model/failure/errors.ts';

/**
 * `-e K=V`, and `-e K` for the caller's own value (left out when it has none, as in docker).
 * @throws invalid_argument
 */
export function parseEnvWords(
  words: string[],
  own: Record<string, string | undefined>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const word of words) {
    const [key, value] = splitPair(word);
    if (key === '')
      throw new FsbError('invalid_argument', `--env ${JSON.stringify(word)} has no name`, {
        hint: 'Write it like --env NAME=value.',
      });
    const resolved = value ?? own[key];
    if (resolved !== undefined) env[key] = resolved;
  }
  return env;
}

/**
 * One K=V or K a line; empty lines and lines that start with # count for nothing. Values are taken as they are.
 * @throws invalid_argument with the line's number
 */
export function parseEnvFile(
  text: string,
  file: string,
  own: Record<string, string | undefined>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const [key, value] = splitPair(line);
    if (key === '' || /\s/.test(key))
      throw new FsbError(
        'invalid_argument',
        `${file}:${index + 1}: ${JSON.stringify(key)} is not a variable name`,
        {
          hint: 'Write each line like NAME=value.',
        },
      );
    const resolved = value ?? own[key];
    if (resolved !== undefined) env[key] = resolved;
  }
  return env;
}

/**
 * `k=v` words of --label; `k` alone has an empty value, as in docker.
 * @throws invalid_argument
 */
export function parseLabels(words: string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const word of words) {
    const [key, value = ''] = splitPair(word);
    if (key === '')
      throw new FsbError('invalid_argument', `--label ${JSON.stringify(word)} has no name`, {
        hint: 'Write it like --label team=red.',
      });
    labels[key] = value;
  }
  return labels;
}

function splitPair(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
