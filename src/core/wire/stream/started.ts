import type { MainBegin } from '../../model/process.ts';
import { channels, decodeJson, encodeJson, INPUT_WINDOW, malformed } from './frames.ts';

/** The first word about a process. @param place of a main process */
export const encodeStarted = (place: MainBegin | undefined): Buffer =>
  encodeJson(channels.started, { window: INPUT_WINDOW, ...(place && { place }) });

/** Undefined of any but a main process, and from an older core. @throws invalid_argument */
export function decodeStarted(payload: Buffer): MainBegin | undefined {
  const { place } = decodeJson(payload);
  if (place === undefined) return undefined;
  const { sandboxId, stdout, stderr, takesInput } = Object(place) as Record<string, unknown>;
  if (
    typeof sandboxId === 'string' &&
    isOffset(stdout) &&
    isOffset(stderr) &&
    typeof takesInput === 'boolean'
  )
    return { sandboxId, stdout, stderr, takesInput };
  throw malformed('a place in an output that is none');
}

const isOffset = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
