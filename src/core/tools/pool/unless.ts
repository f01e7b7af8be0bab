import { type ErrorCode, FsbError } from '../../model/failure/errors.ts';

/** Undefined when the call fails with this code. */
export async function unless<T>(code: ErrorCode, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (FsbError.from(error).code === code) return undefined;
    throw error;
  }
}
