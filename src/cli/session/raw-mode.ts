import type { ProcessEvents, TerminalInput } from '../terminal/world.ts';

/**
 * Every key goes to the other side as it is typed. The returned function puts the terminal back and is idempotent; it
 * runs by itself when the process exits, in a crash too. Does nothing on a stdin that is no terminal.
 */
export function enterRawMode(stdin: TerminalInput, events: ProcessEvents): () => void {
  if (!stdin.isTTY || stdin.setRawMode === undefined) return () => {};
  const before = stdin.isRaw === true;
  const restore = (): void => {
    events.off('exit', restore);
    try {
      stdin.setRawMode?.(before);
    } catch {
      // The terminal is gone (its window was closed): nothing to put back.
    }
  };
  stdin.setRawMode(true);
  events.on('exit', restore);
  return restore;
}
