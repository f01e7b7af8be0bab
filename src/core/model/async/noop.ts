/**
 * For whoever listens only because somebody must: a failure that is nobody's, a function to be replaced later. One for
 * all: a function that is made where it is used keeps what is around it for as long as who was given it lives.
 */
export const noop = (): void => {};
