import { FsbError } from '../../core/model/failure/errors.ts';

export interface Outcome<T, R> {
  item: T;
  result?: R;
  /** Why it did not work; undefined: it did. */
  error?: FsbError;
}

/** How many run side by side: teardown is work for the kernel, more only wait for each other. */
const PARALLEL = 32;

/** Does it to all of them, whatever happens to each, and yields the outcomes in the order of `items`. */
export async function* sideBySide<T, R>(
  items: T[],
  act: (item: T) => Promise<R>,
): AsyncIterable<Outcome<T, R>> {
  const running: Promise<Outcome<T, R>>[] = [];
  for (const [index, item] of items.entries()) {
    const place = running[index - PARALLEL];
    running.push(place === undefined ? settle(item, act) : place.then(() => settle(item, act)));
  }
  for (const outcome of running) yield await outcome;
}

async function settle<T, R>(item: T, act: (item: T) => Promise<R>): Promise<Outcome<T, R>> {
  try {
    return { item, result: await act(item) };
  } catch (thrown) {
    return { item, error: FsbError.from(thrown) };
  }
}
