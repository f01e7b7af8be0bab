import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import pjson from '../../../package.json' with { type: 'json' };
import type { PackageJson } from '../../../src/cli/program/command-set.ts';
import { main } from '../../../src/cli/program/dispatch.ts';
import type { ConnectOptions, World } from '../../../src/cli/terminal/world.ts';
import { COMMANDS } from '../../../src/commands/index.ts';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { type Clock, systemClock } from '../../../src/core/model/clock.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';

/** A stream that keeps what was written, and can be waited on. */
export class Recorder extends PassThrough {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  readonly #chunks: Buffer[] = [];

  constructor() {
    super();
    this.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  /** Like process.stdout and process.stderr, it outlives whoever is piped into it. */
  override end(): this {
    return this;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  /** Resolves when the text holds this. */
  async until(part: string | RegExp): Promise<void> {
    const seen = (): boolean => (typeof part === 'string' ? this.text.includes(part) : part.test(this.text));
    while (!seen()) await new Promise((resolve) => this.once('data', resolve));
  }
}

export class TypedInput extends PassThrough {
  fd?: number;
  isTTY?: boolean;
  isRaw = false;
  readonly rawModes: boolean[] = [];

  setRawMode(raw: boolean): this {
    this.isRaw = raw;
    this.rawModes.push(raw);
    return this;
  }
}

export interface CommandLineOptions {
  core?: CoreApi;
  /** Instead of `core`, for how it is reached. */
  connect?: (request: ConnectOptions) => Promise<CoreApi>;
  /** All three streams are terminals. */
  tty?: boolean;
  /** Of the terminal. Default 80. */
  columns?: number | undefined;
  /** Ends after this text; undefined: stays open. */
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  clock?: Clock;
}

export interface CommandLine {
  stdin: TypedInput;
  stdout: Recorder;
  stderr: Recorder;
  /** Emit a signal's name to send it. */
  events: EventEmitter;
  connections: ConnectOptions[];
  /** Codes of forced exits. */
  forced: number[];
  /** The exit code. */
  code: Promise<number>;
}

const root = new URL('../../..', import.meta.url).pathname;

/** Runs one command line in this process, on a terminal and a core of the test's. */
export function startCommandLine(argv: string[], options: CommandLineOptions = {}): CommandLine {
  const stdin = new TypedInput();
  const [stdout, stderr] = [new Recorder(), new Recorder()];
  if (options.input !== undefined) stdin.end(options.input);
  if (options.tty) {
    stdin.isTTY = true;
    const size = { columns: options.columns ?? 80, rows: 24 };
    for (const stream of [stdout, stderr]) Object.assign(stream, { isTTY: true, ...size });
  }
  const events = new EventEmitter();
  const [connections, forced]: [ConnectOptions[], number[]] = [[], []];
  const world: World = {
    terminal: { stdin, stdout, stderr },
    // What the developer has configured for himself is nothing for tests.
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...options.env },
    cwd: options.cwd ?? process.cwd(),
    clock: options.clock ?? systemClock,
    events,
    forceExit: (code) => forced.push(code),
    version: pjson.version,
    connect: async (request) => {
      connections.push(request);
      if (options.connect) return options.connect(request);
      if (options.core === undefined) throw new FsbError('unavailable', 'the test has no core');
      // The test's core outlives the command.
      return { ...options.core, close: async () => {} };
    },
  };
  const code = main(argv, { root, pjson: pjson as unknown as PackageJson, commands: COMMANDS }, world);
  return { stdin, stdout, stderr, events, connections, forced, code };
}

export interface CommandLineResult {
  code: number;
  stdout: string;
  stderr: string;
}

export async function runCommandLine(
  argv: string[],
  options: CommandLineOptions = {},
): Promise<CommandLineResult> {
  const line = startCommandLine(argv, { input: '', ...options });
  const code = await line.code;
  return { code, stdout: line.stdout.text, stderr: line.stderr.text };
}
