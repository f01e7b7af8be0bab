import type { ServerResponse } from 'node:http';

/** Has so many bytes counted, until what it returns is called. */
type Hold = (bytes: number) => () => void;

/**
 * Has counted what an answer has waiting for its client, from the moment in which it is written on.
 * @param ofPart of one that goes on @param ofWhole of all that is left of one that has ended
 */
export function holdWaiting(response: ServerResponse, ofPart: Hold, ofWhole: Hold): void {
  let taken = (): void => {};
  let isClosed = false;
  const settle = (): void => taken();
  const hold = (how: Hold): void => {
    taken();
    if (!isClosed) taken = how(response.writableLength);
  };
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  response.write = (...args: unknown[]): boolean => {
    const hasRoom = write(...args);
    if (!hasRoom) hold(ofPart);
    return hasRoom;
  };
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.end = (...args: unknown[]): ServerResponse => {
    end(...args);
    response.off('drain', settle);
    hold(ofWhole);
    return response;
  };
  response.on('drain', settle);
  response.once('close', () => {
    isClosed = true;
    settle();
  });
}
