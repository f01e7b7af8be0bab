import type { Document, Range, YAMLParseError } from 'yaml';

export interface TextFault {
  /** In the text. */
  offset: number;
  reason: string;
}

type Yaml = typeof import('yaml');

/** Why a text is no YAML: the first fault, in words for whoever writes a few lines of it and does not know its grammar. */
export function faultOf(document: Document, text: string, yaml: Yaml): TextFault | undefined {
  const [first] = [...document.errors].sort((one, other) => one.pos[0] - other.pos[0]);
  if (first === undefined) return undefined;
  const [offset] = first.pos;
  return (
    openFault(first, document, text, yaml) ?? {
      offset,
      reason: WORDS[first.code]?.(text[offset] ?? '') ?? first.message,
    }
  );
}

const NO_PAIR = 'this is no `key: value`';
const WORDS: Partial<Record<YAMLParseError['code'], (char: string) => string>> = {
  TAB_AS_INDENT: () => 'a tab cannot indent a line; take spaces',
  BLOCK_AS_IMPLICIT_KEY: () =>
    'this value goes on as if it were a key: check how the lines are indented, or put a text with a colon in quotes',
  MULTILINE_IMPLICIT_KEY: () => NO_PAIR,
  BAD_SCALAR_START: (char) => `a value that begins with ${char} needs quotes`,
};

/** What is not closed is missed at the end of the text; where it was opened is what helps. */
function openFault(
  { code, message, pos }: YAMLParseError,
  document: Document,
  text: string,
  yaml: Yaml,
): TextFault | undefined {
  if (/map keys need to be followed/.test(message)) return { offset: pos[0], reason: NO_PAIR };
  if (code !== 'BAD_INDENT' && code !== 'MISSING_CHAR') return undefined;
  const closer = /(?:end with an? |closing )(["'\]}])/.exec(message)?.[1];
  if (closer === undefined) return undefined;
  const opener = { ']': '[', '}': '{' }[closer] ?? closer;
  let offset: number | undefined;
  yaml.visit(document, {
    Node: (_, node) => {
      const [start, end] = (node as { range?: Range | null }).range ?? [0, 0];
      const closed = end > start + 1 && text[end - 1] === closer;
      if (start < pos[0] && text[start] === opener && !closed) offset = start;
    },
  });
  return offset === undefined
    ? undefined
    : { offset, reason: `the ${opener} here is never closed with ${closer}` };
}
