import { parentPort } from 'node:worker_threads';
import { FsbError } from '../../../model/failure/errors.ts';
import type { Launch, Launched } from '../../launch.ts';
import type { FromWorker, ToWorker, UnpackJob } from './messages.ts';
import { unpackBlob } from './unpack-blob.ts';

/** What a thread of the unpacker runs. */
const port = parentPort;
if (port === null) throw new Error('this is a worker thread of the unpacker');

const tell = (message: FromWorker): void => port.postMessage(message);

let waiting: { resolve: (result: Launched) => void; reject: (error: unknown) => void } | undefined;

/** The other side has the signal, too. */
const launch: Launch = (words, { timeoutMs }) =>
  new Promise((resolve, reject) => {
    waiting = { resolve, reject };
    tell({ kind: 'launch', words, timeoutMs });
  });

async function unpack(job: UnpackJob, signal: AbortSignal): Promise<void> {
  try {
    const size = await unpackBlob(job, launch, (bytes) => tell({ kind: 'progress', bytes }), signal);
    tell({ kind: 'done', size });
  } catch (error) {
    tell({ kind: 'failed', error: FsbError.from(error).toBody() });
  }
}

let abort = new AbortController();
port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'unpack':
      abort = new AbortController();
      void unpack(message.job, abort.signal);
      return;
    case 'abort':
      abort.abort();
      return;
    case 'launched':
      waiting?.resolve(message.result);
      return;
    case 'not-launched':
      waiting?.reject(FsbError.fromBody(message.error));
  }
});
