import { Flags } from '@oclif/core';
import { assertLogSize } from '../../../core/model/logs.ts';
import { parseSize } from '../../../core/model/quantity.ts';
import { durationFlag, filledFlag } from '../../command/flags.ts';
import { policyFlags } from '../../pool/policy-flags.ts';
import { securityFlags } from './security-flags.ts';

/** What a core is started with: `serve` and `daemon start`. The policy is the default pool's. */
export const coreFlags = {
  root: filledFlag({
    summary:
      'Keep everything in this directory. Two roots are two independent cores. Default: FSB_ROOT, else the system directories.',
    helpValue: 'DIR',
  }),
  http: Flags.string({
    summary:
      'Address of HTTP and WebSocket besides the unix socket, or "off". Default: port 5758 of 127.0.0.1 (with TLS, where gRPC listens), or a free port when that is taken.',
    helpValue: 'HOST:PORT',
  }),
  metrics: Flags.string({
    summary:
      'Address of the Prometheus metrics, or "off". Default: 127.0.0.1:9091, or a free port when that is taken.',
    helpValue: 'HOST:PORT',
  }),
  grpc: Flags.string({
    summary:
      'Address of gRPC besides the unix socket, or "off". Default: off; with --tls-cert port 9090 of every address of this machine. One that others can reach needs TLS, and a token or client certificates.',
    helpValue: 'HOST:PORT',
  }),
  ...securityFlags,
  'log-size': Flags.custom<number>({ helpValue: 'SIZE', parse: async (text) => parseLogSize(text) })({
    summary: 'Most log kept of each sandbox (100m); when it is full, its oldest third goes. Default: 48m.',
  }),
  'log-retention': durationFlag({
    summary:
      'How long the log of a deleted sandbox is kept (24h), for "logs"; at most 1 GiB of all, the oldest go first. Default: 0s, it goes with its sandbox.',
  }),
  ...policyFlags,
};

/** Here already: a core that is restarted must not end for a flag with which the next one cannot begin. */
function parseLogSize(text: string): number {
  const bytes = parseSize(text);
  assertLogSize(bytes);
  return bytes;
}
