import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttachRequest, ExecRequest } from '../../../src/core/api/sandbox-api.ts';
import { errorCodes, FsbError, isErrorCode } from '../../../src/core/model/failure/errors.ts';
import type { LogQuery } from '../../../src/core/model/logs.ts';
import { isLoopback } from '../../../src/core/model/loopback.ts';
import { formatEndpoint, parseEndpoint } from '../../../src/core/wire/endpoint.ts';
import { fromGrpcStatus, toGrpcStatus } from '../../../src/core/wire/error-status.ts';
import * as execs from '../../../src/core/wire/stream/exec-request.ts';
import * as queries from '../../../src/core/wire/stream/stream-query.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const size = fc.record({ rows: fc.nat(65_535), cols: fc.nat(65_535) });
const envName = text.filter((name) => name !== '' && !name.includes('=') && name !== '__proto__');

describe('requests of streams', () => {
  it('carry an exec, in the URL or in a frame', () => {
    const request = fc.record(
      {
        argv: fc.array(fc.oneof(text, fc.constant('x'.repeat(5000))), { minLength: 1, maxLength: 4 }),
        env: fc.dictionary(envName, text, { maxKeys: 4 }),
        cwd: text,
        user: text,
        tty: fc.boolean(),
        stdin: fc.boolean(),
        detach: fc.constant(true),
        size,
        guestTool: fc.constant(true),
      },
      { requiredKeys: ['argv', 'env', 'cwd', 'user', 'tty', 'stdin'] },
    ) as fc.Arbitrary<ExecRequest>;
    fc.assert(
      fc.property(request, (exec) => {
        const { query, frame } = execs.execToTransport(exec);
        expect(query.length).toBeLessThanOrEqual(8192);
        const arrived =
          frame === undefined
            ? execs.execFromQuery(new URLSearchParams(query))
            : execs.execFromJson(JSON.parse(JSON.stringify(frame)) as Record<string, unknown>);
        expect(arrived).toEqual(exec);
      }),
    );
  });

  it('carry an attach and a log query', () => {
    const attach = fc.record(
      { stdin: fc.boolean(), stdinOnce: fc.constant(true), replay: fc.boolean(), size },
      { requiredKeys: ['stdin', 'replay'] },
    ) as fc.Arbitrary<AttachRequest>;
    const logs = fc.record(
      {
        follow: fc.boolean(),
        stdout: fc.boolean(),
        stderr: fc.boolean(),
        tail: fc.nat(),
        since: fc.nat(),
        until: fc.double({ min: 0, max: 1e13, noNaN: true }),
        afterSeq: fc.maxSafeNat(),
      },
      { requiredKeys: ['follow', 'stdout', 'stderr'] },
    ) as fc.Arbitrary<LogQuery>;
    fc.assert(
      fc.property(attach, logs, (request, query) => {
        expect(queries.attachFromQuery(new URLSearchParams(queries.attachToQuery(request)))).toEqual(request);
        expect(queries.logsFromQuery(new URLSearchParams(queries.logsToQuery(query)))).toEqual(query);
      }),
    );
  });

  it('leave out in a frame what they may leave out in a URL', () => {
    const { argv, ...rest } = execs.execFromQuery(new URLSearchParams('command=ls'));
    expect(execs.execFromJson({ argv })).toEqual({ argv, ...rest });
    expect(execs.execFromJson({ argv, env: { A: '1' }, tty: true })).toEqual({
      ...{ argv, ...rest },
      ...{ env: { A: '1' }, tty: true },
    });
  });

  it('are refused with the field that is wrong', () => {
    const logs =
      (query: string): (() => unknown) =>
      () =>
        queries.logsFromQuery(new URLSearchParams(query));
    expect(logs('tial=3')).toThrow(/unknown query field "tial"/);
    expect(logs('tail=-1')).toThrow(/tail/);
    expect(logs('tail=1&tail=2')).toThrow(/more than once/);
    expect(logs('follow=maybe')).toThrow(/follow/);
    expect(logs('since=2026-01-02T03:04:05Z')()).toMatchObject({ since: Date.UTC(2026, 0, 2, 3, 4, 5) });
    expect(() => execs.execFromQuery(new URLSearchParams())).toThrow(/command/);
    expect(() => execs.execFromQuery(new URLSearchParams('command=a&env=B'))).toThrow(/NAME=VALUE/);
    const frame = (exec: object) => (): unknown => execs.execFromJson({ argv: ['a'], ...exec });
    expect(frame({ argv: 'ls' })).toThrow('argv of the exec request must be a list of strings');
    expect(frame({ env: ['A=1'] })).toThrow('env of the exec request must be an object of strings');
    expect(frame({ detach: 'yes' })).toThrow('detach of the exec request must be true or false');
    expect(frame({ size: { rows: 24 } })).toThrow(/size of the exec request must be .*rows and cols/);
    expect(frame({ argv: [] })).toThrow(/needs a command/);
    expect(() => execs.execFromJson({})).toThrow(/needs a command/);
    expect(frame({ cmd: '/tmp' })).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: expect.stringContaining('"cmd"'),
        hint: 'Did you mean cwd?',
      }),
    );
  });
});

describe('errors over gRPC', () => {
  it('keep code, message and hint', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(errorCodes).filter(isErrorCode)),
        text,
        fc.option(text),
        (code, message, hint) => {
          const error = new FsbError(code, message, hint === null ? {} : { hint });
          const status = toGrpcStatus(error);
          expect(status.code).toBe(errorCodes[code].grpc);
          expect(fromGrpcStatus(status.code, status.details, status.body).toBody()).toEqual(error.toBody());
        },
      ),
    );
  });

  it('are mapped by number when they come from elsewhere', () => {
    expect(fromGrpcStatus(5, 'nope').toBody()).toEqual({ code: 'not_found', message: 'nope' });
    expect(fromGrpcStatus(9, 'no').code).toBe('conflict');
    expect(fromGrpcStatus(2, '').code).toBe('internal');
    expect(fromGrpcStatus(14, 'gone', Buffer.from('{"code":"weird"}')).code).toBe('unavailable');
  });

  it('fit into trailers, however long they are', () => {
    const { details, body } = toGrpcStatus(
      new FsbError('internal', 'x'.repeat(1_000_000), { hint: 'y'.repeat(1_000_000) }),
    );
    expect(details.length + body.length).toBeLessThan(12_000);
  });
});

describe('endpoints', () => {
  it('read', () => {
    expect(parseEndpoint('unix:///run/a b/x:y.sock')).toEqual({ kind: 'unix', path: '/run/a b/x:y.sock' });
    expect(parseEndpoint('unix:/run/x')).toEqual({ kind: 'unix', path: '/run/x' });
    for (const address of ['127.0.0.1:9090', '[::1]:0', 'localhost:65535'])
      expect(formatEndpoint(parseEndpoint(address))).toBe(address);
    expect(parseEndpoint('http://127.0.0.1:5758')).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 5758 });
    for (const wrong of ['', 'unix://', 'unix:x', 'host', 'host:70000', ':80', 'http://a:1/b', 'ftp://a:1'])
      expect(() => parseEndpoint(wrong)).toThrow(/invalid address/);
  });

  it('tell loopback from the rest', () => {
    for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) expect(isLoopback(host)).toBe(true);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example', 'localhost.example'])
      expect(isLoopback(host)).toBe(false);
  });
});
