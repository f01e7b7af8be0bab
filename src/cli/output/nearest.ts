import { didYouMean } from '../../core/model/failure/did-you-mean.ts';

/** More than a person reads for the one name that is meant. */
const MOST_NAMED = 15;

/** The hint about a name that nobody has. @param document has all of them, where they may be too many to name */
export function nearest(word: string, known: readonly string[], document?: string): string {
  const near = didYouMean(word, known);
  if (near !== undefined) return `Did you mean ${near}?`;
  if (document === undefined || known.length <= MOST_NAMED) return `There are: ${known.join(', ')}.`;
  return `There are, among others: ${known.slice(0, MOST_NAMED).join(', ')}; ${document} has them all.`;
}
