import { FsbError } from '../model/failure/errors.ts';

/**
 * A number of a header: octal digits, or binary (base 256) when the first bit is set.
 * @throws invalid_argument for anything else, and for what a double does not hold exactly
 */
export function headerNumber(field: Buffer, what: string): number {
  if ((field[0]! & 0x80) !== 0) return binaryNumber(field, what);
  // Blanks and zero bytes around it, as different tars write it.
  const text = field
    .toString('latin1')
    .replace(/^[ \0]+/, '')
    .replace(/[ \0].*$/s, '');
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw brokenNumber(text, what);
  return exact(Number.parseInt(text, 8), text, what);
}

/** Two's complement, without the first bit, which marks the form. */
function binaryNumber(field: Buffer, what: string): number {
  const negative = (field[0]! & 0x40) !== 0;
  let number = 0;
  for (let i = 0; i < field.length; i++) {
    const byte = negative ? ~field[i]! & 0xff : field[i]!;
    number = number * 256 + (i === 0 ? byte & 0x7f : byte);
  }
  return exact(negative ? -1 - number : number, field.toString('hex'), what);
}

/** @throws invalid_argument when it is no whole number of digits */
export function decimalNumber(text: string, what: string): number {
  if (!/^[0-9]{1,20}$/.test(text)) throw brokenNumber(text, what);
  return exact(Number(text), text, what);
}

function exact(number: number, text: string, what: string): number {
  if (Number.isSafeInteger(number)) return number;
  throw brokenNumber(text, what);
}

const brokenNumber = (text: string, what: string): FsbError =>
  new FsbError('invalid_argument', `its ${what} is not a number: ${JSON.stringify(text.slice(0, 40))}`);
