/**
 * JSON in which no text of others drives a terminal: JSON.stringify() leaves a CSI of one character, and marks that turn the
 * order of characters around, as they are. It reads as the same data.
 * @param indent of its lines; undefined: one line
 */
export const jsonText = (data: unknown, indent?: number): string =>
  JSON.stringify(data, null, indent).replaceAll(
    /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
