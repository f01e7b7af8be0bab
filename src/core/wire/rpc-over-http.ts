/**
 * A method of a gRPC service that has one question and one answer can be called over plain HTTP, too:
 * `POST /<package>.<Service>/<Method>` with the message as body. The answer is a message, or an error as everywhere in
 * the HTTP API.
 */
export const PROTOBUF = 'application/proto';

/** Bytes, as with gRPC. */
export const LONGEST_QUESTION = 4 * 1024 * 1024;
export const LONGEST_ANSWER = 64 * 1024 * 1024;
