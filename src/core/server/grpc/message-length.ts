/** Keys that are so short may be those of fields, which take a byte or two. */
const LONGEST_FIELD = 64;

/** About the bytes of a message, which is not made for that. */
export function messageLength(message: unknown): number {
  if (typeof message === 'string') return message.length;
  if (ArrayBuffer.isView(message)) return message.byteLength;
  if (typeof message !== 'object' || message === null) return 1;
  let sum = 0;
  for (const [key, value] of Object.entries(message))
    sum += messageLength(value) + (key.length > LONGEST_FIELD ? key.length : 0);
  return sum;
}
