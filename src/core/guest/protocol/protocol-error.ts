import { FsbError } from '../../model/failure/errors.ts';

/** The numbers of guest/PROTOCOL.md, "Error codes". */
export const protocolErrors = {
  notHello: 1,
  version: 2,
  secret: 3,
  malformed: 4,
  tooLong: 5,
  unknownType: 6,
  unknownProcess: 7,
  windowExceeded: 8,
  outOfRange: 9,
} as const;

/** The peer broke a rule of the protocol. The channel ends; nothing that it says later is read. */
export class ProtocolError extends FsbError {
  /** A number of guest/PROTOCOL.md, "Error codes". */
  readonly protocolCode: number;

  constructor(rule: keyof typeof protocolErrors, message: string) {
    super('run_failed', message);
    this.name = 'ProtocolError';
    this.protocolCode = protocolErrors[rule];
  }
}
