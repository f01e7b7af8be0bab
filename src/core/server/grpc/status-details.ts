import { errorCodes, type FsbError } from '../../model/failure/errors.ts';
import { shorten } from '../../wire/error-status.ts';
import {
  BadRequest,
  ErrorInfo,
  LocalizedMessage,
  RetryInfo,
} from '../../wire/gen/google/rpc/error_details.ts';
import { Status } from '../../wire/gen/google/rpc/status.ts';

/** Trailing metadata entry in which clients of every language look for details. */
export const DETAILS_METADATA = 'grpc-status-details-bin';

const DOMAIN = 'fsb-ctl';
/** All trailers together must stay within what peers take, some 16 KiB. */
const MOST_VIOLATIONS = 10;
const LONGEST_TEXT = 512;

/** A google.rpc.Status: what the status says, and in parts for programs. */
export function statusDetails(error: FsbError): Buffer {
  const status = {
    code: errorCodes[error.code].grpc,
    message: shorten(error.message, LONGEST_TEXT),
    details: [infoOf(error), ...hintOf(error), ...violationsOf(error), ...retryOf(error)],
  };
  return Buffer.from(Status.encode(status).finish());
}

type Detail = ReturnType<typeof detail>;

const detail = (typeUrl: string, writer: { finish(): Uint8Array }) => ({
  typeUrl: `type.googleapis.com/google.rpc.${typeUrl}`,
  value: Buffer.from(writer.finish()),
});

/** The reason is our code; several of them share one status. */
const infoOf = ({ code }: FsbError): Detail =>
  detail(
    'ErrorInfo',
    ErrorInfo.encode({
      reason: code.toUpperCase(),
      domain: DOMAIN,
      metadata: { exit_code: String(errorCodes[code].exit) },
    }),
  );

const hintOf = ({ hint }: FsbError): Detail[] =>
  hint === undefined
    ? []
    : [
        detail(
          'LocalizedMessage',
          LocalizedMessage.encode({ locale: 'en-US', message: shorten(hint, LONGEST_TEXT) }),
        ),
      ];

function violationsOf({ violations = [] }: FsbError): Detail[] {
  if (violations.length === 0) return [];
  const fieldViolations = violations.slice(0, MOST_VIOLATIONS).map(({ field, description }) => ({
    field: shorten(field, LONGEST_TEXT / 4),
    description: shorten(description, LONGEST_TEXT / 4),
  }));
  return [detail('BadRequest', BadRequest.encode({ fieldViolations }))];
}

function retryOf({ retryAfter: seconds }: FsbError): Detail[] {
  if (seconds === undefined) return [];
  return [detail('RetryInfo', RetryInfo.encode({ retryDelay: { seconds, nanos: 0 } }))];
}
