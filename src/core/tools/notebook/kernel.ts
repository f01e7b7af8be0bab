import { constants } from 'node:os';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { ExitStatus, ProcessSession } from '../../model/process.ts';
import { PYTHON } from '../run/programs.ts';
import { execFirst, type ToolSandbox } from '../run/tool-sandbox.ts';
import { Cell, type CellAnswer } from './cell.ts';
import { kernelProgram } from './kernel-program.ts';

/** Undefined answer: the kernel ended while it ran the cell. */
export interface CellEnd {
  cell: Cell;
  answer: CellAnswer | undefined;
}

/** A Python process in a sandbox that keeps its variables from cell to cell; it runs one at a time. */
export class Kernel {
  readonly #session: ProcessSession;
  /** All that it wrote was read, and it has ended; undefined: how it ended is not known. */
  readonly ended: Promise<ExitStatus | undefined>;
  #current: { cell: Cell; settle: (answer: CellAnswer | undefined) => void } | undefined;
  #isOver = false;

  private constructor(session: ProcessSession) {
    this.#session = session;
    this.ended = this.#read();
  }

  /** @throws command_not_found, not_executable, not_found (the sandbox is gone), cancelled */
  static async start(sandbox: ToolSandbox, options: CallOptions): Promise<Kernel> {
    const process = { args: ['-u', '-c', kernelProgram], stdin: true };
    return new Kernel(await execFirst(sandbox, PYTHON, process, options));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @throws conflict while another cell runs */
  run(code: string): Promise<CellEnd> {
    if (this.#current !== undefined) throw new FsbError('conflict', 'the kernel runs another cell');
    const cell = new Cell();
    const end = new Promise<CellEnd>((resolve) => {
      this.#current = { cell, settle: (answer) => resolve({ cell, answer }) };
    });
    if (this.#isOver) this.#settle(undefined);
    // A kernel that is gone ends the cell by its own end.
    else this.#session.write(Buffer.from(`${JSON.stringify({ code, ...cell.marks })}\n`)).catch(() => {});
    return end;
  }

  /** Killed, because a thread of the code could keep it for ever. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isOver) this.#session.signal(constants.signals.SIGKILL);
    await this.#session.close();
  }

  async #read(): Promise<ExitStatus | undefined> {
    try {
      for await (const chunk of this.#session.output) this.#take(chunk);
      return await this.#session.exited;
    } catch {
      // Its sandbox is gone, or it wrote what no kernel writes: it is over either way.
      return undefined;
    } finally {
      await this.close();
      this.#isOver = true;
      this.#current?.cell.end();
      this.#settle(undefined);
    }
  }

  /** What a thread of the code prints between two cells is dropped. */
  #take(chunk: Parameters<Cell['push']>[0]): void {
    const cell = this.#current?.cell;
    if (cell === undefined) return;
    cell.push(chunk);
    if (cell.complete) this.#settle(cell.answer());
  }

  #settle(answer: CellAnswer | undefined): void {
    const current = this.#current;
    this.#current = undefined;
    current?.settle(answer);
  }
}
