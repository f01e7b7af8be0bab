import fc from 'fast-check';

/** Looks for faults for so many seconds. @returns rounds. @throws with what it found */
export type Target = (seed: number, seconds: number) => Promise<number>;

/** A property of fast-check as a target; what it finds is made small and told. */
export const forProperty =
  <T>(property: () => fc.IRawProperty<T>): Target =>
  async (seed, seconds) => {
    const found = await fc.check(property(), {
      seed: seed | 0,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: seconds * 1000,
      markInterruptAsFailure: false,
    });
    if (found.failed) throw new Error(fc.defaultReportMessage(found), { cause: found.errorInstance });
    return found.numRuns;
  };

/** The same for a property that needs a place, a server or a guest, which is there for all rounds. */
export const forPropertyOf =
  <Place extends AsyncDisposable, T>(
    open: () => Promise<Place>,
    property: (place: Place) => fc.IRawProperty<T>,
  ): Target =>
  async (seed, seconds) => {
    await using place = await open();
    // Awaited here: the place goes when this function returns.
    return await forProperty(() => property(place))(seed, seconds);
  };
