import { Flags } from '@oclif/core';
import { assertLogSize } from '../../core/model/logs.ts';
import { parseSize } from '../../core/model/quantity.ts';
import { policyFlags } from '../pool/policy-flags.ts';

/** What a core is started with: `serve` and `daemon start`. The policy is the default pool's. */
export const coreFlags = {
  root: Flags.string({
    summary:
      'Keep everything in this directory. Two roots are two independent cores. Default: FSB_ROOT, else the system directories.',
    helpValue: 'DIR',
  }),
  http: Flags.string({
    summary:
      'Address of HTTP and WebSocket besides the unix socket, or "off". Default: 127.0.0.1:5758, or a free port when that is taken.',
    helpValue: 'HOST:PORT',
  }),
  metrics: Flags.string({
    summary:
      'Address of the Prometheus metrics, or "off". Default: 127.0.0.1:9091, or a free port when that is taken.',
    helpValue: 'HOST:PORT',
  }),
  grpc: Flags.string({
    summary: 'Loopback address of gRPC besides the unix socket. Default: off.',
    helpValue: 'HOST:PORT',
  }),
  'log-size': Flags.custom<number>({ helpValue: 'SIZE', parse: async (text) => parseLogSize(text) })({
    summary: 'Most log kept of each sandbox (100m); when it is full, its oldest third goes. Default: 48m.',
  }),
  ...policyFlags,
};

/** Here already: a core that is restarted must not end for a flag with which the next one cannot begin. */
function parseLogSize(text: string): number {
  const bytes = parseSize(text);
  assertLogSize(bytes);
  return bytes;
}
