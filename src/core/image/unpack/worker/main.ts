import { parentPort } from 'node:worker_threads';
import { FsbError } from '../../../model/errors.ts';
import type { FromWorker, ToWorker, UnpackJob } from './messages.ts';
import { unpackBlob } from './unpack-blob.ts';

/** What a thread of the unpacker runs. */
const port = parentPort;
if (port === null) throw new Error('this is a worker thread of the unpacker');

const tell = (message: FromWorker): void => port.postMessage(message);

async function unpack(job: UnpackJob, signal: AbortSignal): Promise<void> {
  try {
    const size = await unpackBlob(job, (bytes) => tell({ kind: 'progress', bytes }), signal);
    tell({ kind: 'done', size });
  } catch (error) {
    tell({ kind: 'failed', error: FsbError.from(error).toBody() });
  }
}

let abort = new AbortController();
port.on('message', (message: ToWorker) => {
  if (message.kind === 'abort') abort.abort();
  else {
    abort = new AbortController();
    void unpack(message.job, abort.signal);
  }
});
