import type { ProcessSession } from '../../../src/core/model/process.ts';

/** A process that has written this, and ended. */
export const exitedSession = (text: string, code: number): ProcessSession => ({
  output: chunks(text),
  exited: Promise.resolve({ code, signal: null }),
  ...{ write: async () => {}, endInput: () => {}, resize: () => {}, signal: () => {} },
  ...{ close: async () => {}, [Symbol.asyncDispose]: async () => {} },
});

async function* chunks(text: string): ProcessSession['output'] {
  yield { stream: 'stdout', offset: 0, data: Buffer.from(text) };
}
