import type { ServerResponse } from 'node:http';

/**
 * Has counted what an answer that is written part by part has waiting for its client, however its parts come.
 * @param hold of so many bytes, until what it returns is called
 */
export function holdWaiting(response: ServerResponse, hold: (bytes: number) => () => void): void {
  let taken = (): void => {};
  const settle = (): void => taken();
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  response.write = (...args: unknown[]): boolean => {
    const hasRoom = write(...args);
    if (!hasRoom) {
      taken();
      taken = hold(response.writableLength);
    }
    return hasRoom;
  };
  response.on('drain', settle);
  response.once('close', settle);
}
