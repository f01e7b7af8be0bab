import { StringDecoder } from 'node:string_decoder';
import { printableText } from '../../output/table.ts';

/** As pino numbers them. */
const LEVELS: Record<number, string> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

/** A core's own log for people: each line as soon as it is whole, what stays of one at the end. */
export async function* readableLines(log: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let begun = '';
  for await (const bytes of log) {
    const lines = (begun + decoder.write(bytes)).split('\n');
    begun = lines.pop()!;
    if (lines.length > 0) yield lines.map((line) => `${readableLine(line)}\n`).join('');
  }
  if (begun !== '') yield `${readableLine(begun)}\n`;
}

/**
 * A line of JSON as `TIME LEVEL message key=value`; another one as it is. Of a failure only what it says: its stack is in
 * the JSON, as is the process that wrote the line.
 */
export function readableLine(line: string): string {
  const entry = parsed(line);
  if (entry === undefined) return printableText(line);
  const { level, time, msg = '', pid: _, ...rest } = entry;
  const name = LEVELS[Number(level)] ?? String(level);
  const pairs = Object.entries(rest).map(([key, value]) => `${key}=${valueText(value)}`);
  const words = [new Date(Number(time)).toISOString(), name.padEnd(5), String(msg), ...pairs];
  return printableText(words.join(' '));
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    return Number.isFinite(new Date(Number(entry.time)).getTime()) && 'level' in entry ? entry : undefined;
  } catch {
    return undefined;
  }
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  const { message, stack } = (value ?? {}) as { message?: unknown; stack?: unknown };
  return typeof message === 'string' && stack !== undefined ? valueText(message) : JSON.stringify(value);
}
