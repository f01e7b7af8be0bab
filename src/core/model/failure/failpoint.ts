/** Is told the name of each failpoint that the core comes to. */
export type FailpointWatcher = (name: string) => void;

let watcher: FailpointWatcher | undefined;

/**
 * Marks a place between two steps of an operation at which tests end the core, to see that the next one puts everything
 * right. Every name of the sources needs a case in test/helpers/core/crash: `operation.step`, by what has just been done.
 * Nobody watches outside of tests, and there is no switch for it: then it costs one comparison.
 * @param name literal, for the list of all is read from the sources
 * @param of stands for `*` in it
 */
export function failpoint(name: string, of = ''): void {
  watcher?.(name.replace('*', of));
}

/** For tests. */
export function watchFailpoints(next: FailpointWatcher | undefined): void {
  watcher = next;
}
