/** For whoever listens only because somebody must: a failure that is nobody's, a function to be replaced later. */
export const noop = (): void => {};
