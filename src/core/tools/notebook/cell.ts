import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { noop } from '../../model/async/noop.ts';
import type { OutputChunk } from '../../model/process.ts';
import { CappedOutput } from '../run/capped-output.ts';
import { OUTPUT_LIMIT } from '../run/run-program.ts';
import { MarkSplitter } from './mark-splitter.ts';

/** Of the line that follows the mark: a value or traceback of 1 Mi characters, each at most 12 bytes in JSON. */
const LONGEST_ANSWER = 13 * 1024 * 1024;
const NEWLINE = 0x0a;

const answerSchema = z.union([
  z.strictObject({ value: z.string().nullable() }),
  z.strictObject({ error: z.string() }),
]);

export type CellAnswer = z.output<typeof answerSchema>;

/** The output of one cell, as it comes out of the kernel. */
export class Cell {
  /** They go to the kernel with the code. What comes before `begin` is of an earlier cell that goes on, and dropped. */
  readonly marks = { begin: newMark(), end: newMark() };
  readonly stdout = new CappedOutput(OUTPUT_LIMIT);
  readonly stderr = new CappedOutput(OUTPUT_LIMIT);
  readonly #begins = { stdout: this.#at('begin', noop), stderr: this.#at('begin', noop) };
  readonly #ends = {
    stdout: this.#at('end', (data) => this.stdout.push(data)),
    stderr: this.#at('end', (data) => this.stderr.push(data)),
  };
  readonly #line: Buffer[] = [];
  #lineBytes = 0;
  #lineEnded = false;

  /** True when all of the cell's output and the answer are here. */
  get complete(): boolean {
    return this.#lineEnded && this.#ends.stderr.found;
  }

  /** @throws Error when the answer is longer than any that the kernel gives */
  push({ stream, data }: Pick<OutputChunk, 'stream' | 'data'>): void {
    const after = this.#ends[stream].push(this.#begins[stream].push(data));
    if (stream === 'stderr' || this.#lineEnded || after.length === 0) return;
    const newline = after.indexOf(NEWLINE);
    const part = newline < 0 ? after : after.subarray(0, newline);
    this.#lineBytes += part.length;
    if (this.#lineBytes > LONGEST_ANSWER) throw new Error('the answer of the kernel is too long');
    this.#line.push(part);
    this.#lineEnded = newline >= 0;
  }

  /** The kernel has ended: what came is all there is. */
  end(): void {
    this.#ends.stdout.end();
    this.#ends.stderr.end();
  }

  /** Of a complete cell. @throws Error when it is no answer of a kernel */
  answer(): CellAnswer {
    return answerSchema.parse(JSON.parse(Buffer.concat(this.#line).toString('utf8')));
  }

  #at(mark: 'begin' | 'end', before: (data: Buffer) => void): MarkSplitter {
    return new MarkSplitter(Buffer.from(this.marks[mark]), before);
  }
}

const newMark = (): string => `\0fsb:${randomBytes(16).toString('hex')}:`;
