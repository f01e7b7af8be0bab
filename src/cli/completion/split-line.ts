/** The words of an unfinished shell line, without its quotes; the last one is where the cursor stands, empty after a space. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let begun = false;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (char === '\\' && quote !== "'") word += line[++i] ?? '';
    else if (char === quote) quote = '';
    else if (quote !== '') word += char;
    else if (char === '"' || char === "'") [quote, begun] = [char, true];
    else if (/\s/.test(char)) {
      if (begun || word !== '') words.push(word);
      [word, begun] = ['', false];
    } else word += char;
  }
  return [...words, word];
}
