/** Text as roff shows it unchanged: no escape, no request, hyphens that can be copied. */
export const roffText = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll(/^\./gm, '\\&.');

export const bold = (text: string): string => `\\fB${roffText(text)}\\fR`;
export const italic = (text: string): string => `\\fI${roffText(text)}\\fR`;

/** A paragraph begins with the section: a request for one more would be told as a mistake. */
export const section = (title: string, body: string[]): string[] =>
  body.length === 0 ? [] : [`.SH ${title}`, ...(body[0] === '.PP' ? body.slice(1) : body)];

export const paragraphs = (texts: string[]): string[] => texts.flatMap((text) => ['.PP', roffText(text)]);

/** A list of terms; `term` is roff already. */
export const termList = (rows: { term: string; text: string }[]): string[] =>
  rows.flatMap(({ term, text }) => ['.TP', term, roffText(text)]);

export const literal = (text: string): string[] => ['.PP', '.RS 4', '.nf', roffText(text), '.fi', '.RE'];
