import type fc from 'fast-check';
import { guestFramesProperty } from './guest-frames.ts';
import { imageDocumentsProperty } from './image-documents.ts';
import { logFilesProperty } from './log-files.ts';
import { recordsProperty } from './records.ts';
import { socketMessagesProperty } from './socket-messages.ts';
import { streamFramesProperty } from './stream-frames.ts';
import { tarReaderProperty } from './tar-reader.ts';
import { yamlSpecProperty } from './yaml-spec.ts';

/** What needs nothing but itself: the suite tries each a few hundred times, `npm run fuzz` for as long as it is told. */
export const properties: Record<string, { runs: number; property: () => fc.IRawProperty<never> }> = {
  'guest-frames': { runs: 400, property: guestFramesProperty as never },
  'stream-frames': { runs: 1_000, property: streamFramesProperty as never },
  'socket-messages': { runs: 1_000, property: socketMessagesProperty as never },
  'yaml-spec': { runs: 150, property: yamlSpecProperty as never },
  'image-documents': { runs: 400, property: imageDocumentsProperty as never },
  'tar-reader': { runs: 300, property: tarReaderProperty as never },
  'log-files': { runs: 50, property: logFilesProperty as never },
  records: { runs: 500, property: recordsProperty as never },
};
