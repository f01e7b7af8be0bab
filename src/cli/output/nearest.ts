import { didYouMean } from '../../core/model/failure/did-you-mean.ts';

/** The hint about a name that nobody has. */
export function nearest(word: string, known: readonly string[]): string {
  const near = didYouMean(word, known);
  return near === undefined ? `There are: ${known.join(', ')}.` : `Did you mean ${near}?`;
}
