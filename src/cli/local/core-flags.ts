import { Flags } from '@oclif/core';
import { repeated, sizeFlag } from '../flags.ts';

/** What a core is started with: `serve` and `daemon start`. */
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
  warm: Flags.string({
    ...repeated,
    summary: 'Images to keep warm, and how many instances of each. Default: host=2.',
    helpValue: 'IMAGE=N[,IMAGE=N]',
  }),
  max: Flags.integer({ summary: 'Most instances at a time, warm and used together. Default: 8.', min: 1 }),
  'memory-budget': sizeFlag({
    summary: 'Most memory of all instances together (2g). Default: 80 % of the machine.',
  }),
};
