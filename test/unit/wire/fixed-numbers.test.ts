import { describe, expect, it } from 'vitest';
import {
  ConsistencyMode,
  CreateRequest,
  CreateResponse,
  DeleteRequest,
  DeleteResponse,
  FailurePolicy,
  FastPathServiceService,
  GetRequest,
  ListRequest,
  ListResponse,
  SandboxInfo,
  UpdateRequest,
  UpdateResponse,
} from '../../../src/core/wire/gen/fastpath/v1/fastpath.ts';

/** As much of a generated message as this needs; each knows its own type. */
interface Message {
  // biome-ignore lint/suspicious/noExplicitAny: one table for messages of every type
  encode(message: any): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  fromPartial(partial: any): unknown;
}

const ref = { sandboxName: 's', namespace: 'n' };
const refBytes = '0a0173 12016e';

/** Each with every field of the first version of the API, as a client of that version writes and reads it. */
const messages: [string, Message, object, string][] = [
  [
    'CreateRequest',
    CreateRequest,
    {
      image: 'i',
      poolRef: 'p',
      exposedPorts: [1],
      command: ['c'],
      args: ['a'],
      namespace: 'n',
      consistencyMode: ConsistencyMode.STRONG,
      name: 'x',
      envs: { k: 'v' },
      workingDir: 'w',
    },
    '0a0169 120170 1a0101 220163 2a0161 32016e 3801 420178 4a06 0a016b 120176 520177',
  ],
  [
    'CreateResponse',
    CreateResponse,
    { sandboxId: 'i', agentPod: 'a', endpoints: ['e', 'f'], sandboxName: 's' },
    '0a0169 120161 1a0165 1a0166 220173',
  ],
  ['DeleteRequest', DeleteRequest, ref, refBytes],
  ['DeleteResponse', DeleteResponse, { success: true }, '0801'],
  ['GetRequest', GetRequest, ref, refBytes],
  ['ListRequest', ListRequest, { namespace: 'n' }, '0a016e'],
  ['ListResponse', ListResponse, { items: [{ sandboxId: 'i' }, { phase: 'p' }] }, '0a03 0a0169 0a03 120170'],
  [
    'SandboxInfo',
    SandboxInfo,
    {
      sandboxId: 'i',
      phase: 'p',
      agentPod: 'a',
      endpoints: ['e', 'f'],
      createdAt: 300,
      image: 'm',
      poolRef: 'r',
      sandboxName: 's',
    },
    '0a0169 120170 1a0161 220165 220166 28ac02 32016d 3a0172 420173',
  ],
  ['UpdateRequest', UpdateRequest, { ...ref, labels: { k: 'v' } }, `${refBytes} 3a06 0a016b 120176`],
  // One of four, and the one that was chosen is sent even when it is zero: expiry 0 removes the expiry.
  ...(
    [
      ['expireTimeSeconds', 300, '18ac02'],
      ['expireTimeSeconds', 0, '1800'],
      ['resetRevision', 't', '220174'],
      ['failurePolicy', FailurePolicy.AUTO_RECREATE, '2801'],
      ['failurePolicy', FailurePolicy.MANUAL, '2800'],
      ['recoveryTimeoutSeconds', 300, '30ac02'],
      ['recoveryTimeoutSeconds', 0, '3000'],
    ] as const
  ).map(([$case, value, bytes]): [string, Message, object, string] => [
    `UpdateRequest ${$case} ${value}`,
    UpdateRequest,
    { ...ref, update: { $case, value } },
    `${refBytes} ${bytes}`,
  ]),
  [
    'UpdateResponse',
    UpdateResponse,
    { success: true, message: 'm', sandbox: { sandboxId: 'i' } },
    '0801 12016d 1a03 0a0169',
  ],
];

describe('the first version of the control API', () => {
  it.each(messages)('keeps the field numbers of %s', (_, message, partial, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const whole = message.fromPartial(partial);
    expect(Buffer.from(message.encode(whole).finish()).toString('hex')).toBe(bytes.toString('hex'));
    expect(message.decode(bytes)).toEqual(whole);
  });

  it('keeps the numbers of its enums', () => {
    expect(ConsistencyMode).toEqual({ FAST: 0, STRONG: 1 });
    expect(FailurePolicy).toEqual({ MANUAL: 0, AUTO_RECREATE: 1 });
  });

  it('keeps the names of its methods', () => {
    const paths = Object.values(FastPathServiceService).map(({ path }) => path as string);
    for (const method of ['CreateSandbox', 'DeleteSandbox', 'UpdateSandbox', 'ListSandboxes', 'GetSandbox'])
      expect(paths).toContain(`/fastpath.v1.FastPathService/${method}`);
  });
});
