import { FsbError } from '../../model/failure/errors.ts';

/**
 * Splits what stands behind an instruction into words, with docker's quotes, backslashes and variables.
 * @throws invalid_argument
 */
export function splitWords(text: string, variables: ReadonlyMap<string, string>): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (quote === '' && /\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (letter === quote) quote = '';
    else if (quote === '' && (letter === '"' || letter === "'")) {
      quote = letter;
      word ??= '';
    } else if (letter === '\\' && quote !== "'") {
      at += 1;
      word = (word ?? '') + (text[at] ?? '');
    } else if (letter === '$' && quote !== "'") {
      const { value, length } = variableAt(text.slice(at), variables);
      at += length - 1;
      word = (word ?? '') + value;
    } else word = (word ?? '') + letter;
  }
  if (quote !== '') throw new FsbError('invalid_argument', `a closing ${quote} is missing`);
  if (word !== undefined) words.push(word);
  return words;
}

/** `$NAME`, `${NAME}`; one that is not set is empty, a dollar before anything else is a dollar. */
function variableAt(text: string, variables: ReadonlyMap<string, string>): { value: string; length: number } {
  const match = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/.exec(text);
  if (match) return { value: variables.get(match[1] ?? match[2]!) ?? '', length: match[0].length };
  if (text.startsWith('${'))
    throw new FsbError('invalid_argument', `${JSON.stringify(text)} is more than a variable`, {
      hint: 'Write $NAME for it.',
    });
  return { value: '$', length: 1 };
}
