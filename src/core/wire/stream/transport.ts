/** How the request of a stream travels: in its URL, or in its first frame where it is too long for one. */

/** Node refuses request heads above 16 KiB; this leaves room for the other headers. */
const LONGEST_QUERY = 8 * 1024;

export interface Transport {
  query: string;
  /** To be sent as the first frame, as JSON, when the query says `request=frame`. */
  frame?: object;
}

export const inFrame = (request: object): Transport => ({ query: 'request=frame', frame: request });

/** @param toQuery not called when the arguments alone are too long */
export function toTransport(argv: string[], toQuery: () => URLSearchParams, request: object): Transport {
  const bytes = argv.reduce((sum, argument) => sum + argument.length, 0);
  const query = bytes > LONGEST_QUERY ? '' : toQuery().toString();
  return query !== '' && query.length <= LONGEST_QUERY ? { query } : inFrame(request);
}
