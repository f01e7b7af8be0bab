import { FsbError } from '../../model/failure/errors.ts';
import { formatSize } from '../../model/quantity.ts';
import { type ProgramRun, runProgram } from '../run/run-program.ts';
import type { ToolContext } from '../tool/define-tool.ts';
import { outcomeOf } from '../tool/tool-result.ts';

const LARGEST_ARCHIVE = 1024 * 1024 * 1024;
/** Milliseconds. */
const EXTRACT_TIMEOUT = 300_000;
/** The exit code of the script when the image has no tar; tar itself uses 1 and 2. */
const NO_TAR = 45;
const EXTRACT = `command -v tar >/dev/null 2>&1 || exit ${NO_TAR}; mkdir -p -- "$1" && exec tar -xof - -C "$1"`;

/**
 * Unpacks a tar archive into a directory of the sandbox, which is made when missing. The archive passes through, at the
 * pace of the sandbox.
 * @throws invalid_argument (no archive, too large), unsupported (no tar in the image), timeout
 */
export async function extractArchive(
  { sandbox, ...watch }: ToolContext,
  directory: string,
  archive: AsyncIterable<Uint8Array>,
): Promise<void> {
  const stream = new BoundedStream(archive);
  const program = { programs: ['sh'], args: ['-c', EXTRACT, 'sh', directory], stdin: stream };
  const run = await runProgram(sandbox, { ...program, timeout: EXTRACT_TIMEOUT }, watch);
  if (stream.failure !== undefined) throw FsbError.from(stream.failure);
  if (stream.bytes === 0)
    throw new FsbError('invalid_argument', 'the archive is empty: the body must be a tar');
  const refusal = refusalOf(run, directory);
  if (refusal !== undefined) throw refusal;
}

function refusalOf(run: ProgramRun, directory: string): FsbError | undefined {
  const { end } = run;
  const { status, error } = outcomeOf(run);
  if (status === 'success') return undefined;
  if (end.kind === 'not-started' || (end.kind === 'exited' && end.status.code === NO_TAR))
    return new FsbError('unsupported', 'the image of this sandbox has no tar to unpack an archive with', {
      hint: 'Write files with file_operation.',
    });
  const code = status === 'timeout' ? 'timeout' : 'invalid_argument';
  return new FsbError(code, `the archive could not be unpacked in ${directory}: ${error?.trim()}`);
}

/** Ends where its source fails, or is too long, and remembers that it did: what reads it sees a broken archive. */
class BoundedStream implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  bytes = 0;
  failure: unknown;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#source) {
        this.bytes += chunk.length;
        if (this.bytes > LARGEST_ARCHIVE)
          throw new FsbError(
            'invalid_argument',
            `an archive may be ${formatSize(LARGEST_ARCHIVE)} long at most`,
          );
        yield chunk;
      }
    } catch (error) {
      this.failure = error;
    }
  }
}
