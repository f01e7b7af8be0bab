import type { ExitStatus, OutputChunk, ProcessSession } from '../../../src/core/model/process.ts';
import type { ToolProcess, ToolSandbox } from '../../../src/core/tools/run/tool-sandbox.ts';

/** A process that does what the test says. */
export interface ScriptedProcess {
  session: ProcessSession;
  print(text: string, stream?: OutputChunk['stream']): void;
  /** The exit is known; more output may follow. */
  exit(status: ExitStatus): void;
  endOutput(): void;
  /** Its sandbox is gone. */
  lose(error: Error): void;
  closed: boolean;
}

export function scriptedProcess(): ScriptedProcess {
  const chunks: OutputChunk[] = [];
  let ended = false;
  let lost: Error | undefined;
  let wake = (): void => {};
  let settle!: { resolve(status: ExitStatus): void; reject(error: Error): void };
  const exited = new Promise<ExitStatus>((resolve, reject) => {
    settle = { resolve, reject };
  });
  exited.catch(() => {});
  async function* read(): AsyncGenerator<OutputChunk> {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk) yield chunk;
      else if (lost) throw lost;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  const close = async (): Promise<void> => {
    scripted.closed = true;
    scripted.endOutput();
  };
  const scripted: ScriptedProcess = {
    closed: false,
    session: {
      output: read(),
      exited,
      write: async () => {},
      endInput: () => {},
      resize: () => {},
      signal: () => {},
      close,
      [Symbol.asyncDispose]: close,
    },
    print(text, stream = 'stdout') {
      chunks.push({ stream, offset: 0, data: Buffer.from(text) });
      wake();
    },
    exit: (status) => settle.resolve(status),
    endOutput() {
      ended = true;
      wake();
    },
    lose(error) {
      lost = error;
      settle.reject(error);
      wake();
    },
  };
  return scripted;
}

export interface ScriptedSandbox extends ToolSandbox {
  readonly asked: ToolProcess[];
  /** How often everything in it was killed. */
  kills: number;
}

/** @param exec what becomes of each process that is asked for */
export function scriptedSandbox(
  exec: (process: ToolProcess, signal?: AbortSignal) => Promise<ScriptedProcess>,
  onKill: () => void = () => {},
): ScriptedSandbox {
  const sandbox: ScriptedSandbox = {
    asked: [],
    kills: 0,
    async exec(process, { signal } = {}) {
      sandbox.asked.push(process);
      return (await exec(process, signal)).session;
    },
    async killAll() {
      sandbox.kills += 1;
      onKill();
    },
  };
  return sandbox;
}
