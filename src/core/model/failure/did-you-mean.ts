/** The candidate nearest to a mistyped word, or undefined when none is near enough to be a plausible slip. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  if (word === '') return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    // As many edits at least, so that a word of a megabyte is not compared with anything.
    if (Math.abs(word.length - candidate.length) - 0.5 >= bestDistance) continue;
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase());
    // Letters are dropped more often than replaced, and added least often: `rn` is `run` rather than `rm`, and so is `rum`.
    const distance = edits + (isPartOf(word, candidate) ? -0.5 : candidate.length < word.length ? 0.25 : 0);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** All letters of the word are in the candidate, in order. */
function isPartOf(word: string, candidate: string): boolean {
  let at = 0;
  for (const letter of candidate) if (letter === word[at]) at += 1;
  return at === word.length;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        value = Math.min(value, rows[i - 2]![j - 2]! + 1);
      row.push(value);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
