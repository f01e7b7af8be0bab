import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PoolRunRequest } from '../../../src/core/api/pool-api.ts';
import { readLeaseRequest } from '../../../src/core/model/pool/lease-request.ts';
import { runFromJson, runFromQuery, runToTransport } from '../../../src/core/wire/stream/run-request.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const exec = { argv: ['true'], env: {}, cwd: '', user: '', tty: false, stdin: false };

function arrived(request: PoolRunRequest): PoolRunRequest {
  const { query, frame } = runToTransport(request);
  expect(query.length).toBeLessThanOrEqual(8192);
  return frame === undefined
    ? runFromQuery(request.pool, new URLSearchParams(query))
    : runFromJson(request.pool, JSON.parse(JSON.stringify(frame)) as Record<string, unknown>);
}

describe('the request of a run', () => {
  it('arrives as it was asked for, in the URL or in a frame', () => {
    const size = fc.oneof(
      fc.constantFrom('512m', '1.5g'),
      fc.integer({ min: 16 * 1024 * 1024, max: 2 ** 40 }),
    );
    const request = fc.record(
      {
        pool: fc.constant('default-pool'),
        image: text.filter((image) => image !== ''),
        imageDigest: fc.constant(`sha256:${'a'.repeat(64)}`),
        resources: fc.record(
          {
            cpus: fc.double({ min: 0.01, max: 1000, noNaN: true }),
            memory: size,
            pids: fc.integer({ min: 1 }),
            disk: size,
          },
          { requiredKeys: [] },
        ),
        network: fc.constantFrom('none', 'host'),
        mounts: fc.constant([{ source: '/a', target: '/b', read_only: false }]),
        onEmpty: fc.constantFrom('boot', 'wait', 'fail'),
        wait: fc.double({ min: 0, max: 1e9, noNaN: true }),
        exec: fc.record(
          {
            argv: fc.array(fc.oneof(text, fc.constant('x'.repeat(5000))), { maxLength: 4 }),
            env: fc.dictionary(fc.constantFrom('A', 'B'), text),
            ...{ cwd: text, user: text, tty: fc.boolean(), stdin: fc.boolean() },
            size: fc.record({ rows: fc.nat(65_535), cols: fc.nat(65_535) }),
          },
          { requiredKeys: ['argv', 'env', 'cwd', 'user', 'tty', 'stdin'] },
        ),
      },
      { requiredKeys: ['pool', 'exec'] },
    ) as fc.Arbitrary<PoolRunRequest>;
    fc.assert(
      fc.property(request, (asked) => {
        const { exec: given, ...terms } = arrived(asked);
        const { exec: wanted, ...wantedTerms } = asked;
        expect(given).toEqual(wanted);
        expect(readLeaseRequest(terms)).toEqual(readLeaseRequest(wantedTerms));
      }),
    );
  });

  it('is in the URL where it is short, so that the core begins with the connection', () => {
    const request = { pool: 'p', image: 'host', resources: { cpus: 0.5, memory: '64m' }, wait: 500, exec };
    const { query, frame } = runToTransport(request);
    expect(frame).toBeUndefined();
    expect(query).toBe('command=true&image=host&cpus=0.5&memory=64m&wait=500');
  });

  it('arrives with what nobody knows, for the core to refuse', () => {
    for (const [terms, problem] of [
      [{ resources: { cpu: 1 } }, /unknown key resources.cpu/],
      [{ imgae: 'host' }, /unknown key imgae/],
      [{ resources: { memory: 1.5 } }, /resources.memory/],
      [{ onEmpty: 'never' }, /onEmpty/],
      [{ image: '' }, /image/],
      [{ imageDigest: 'tool' }, /imageDigest: must be sha256: and/],
    ] as const) {
      const { exec: _, ...given } = arrived({ pool: 'p', exec, ...terms } as PoolRunRequest);
      expect(() => readLeaseRequest(given)).toThrow(problem);
    }
  });

  it('is refused where it does not read', () => {
    const query =
      (fields: string): (() => unknown) =>
      () =>
        runFromQuery('p', new URLSearchParams(fields));
    expect(query('command=true&imgae=host')).toThrow(/unknown query field "imgae"/);
    expect(query('command=true&cpus=many')).toThrow(/cpus/);
    expect(query('command=true&wait=')).toThrow(/wait/);
    expect(query('command=true&detach=true')).toThrow(/detached/);
    expect(() => runFromJson('p', {})).toThrow(/no exec/);
    expect(() => runFromJson('p', { exec: { argv: 'ls' } })).toThrow(/argv of the exec request/);
  });

  it('is for the pool in the path, whatever the frame says', () => {
    expect(runFromJson('p', { pool: 'q', exec })).toMatchObject({ pool: 'p' });
  });
});
