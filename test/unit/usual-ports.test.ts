import { describe, expect, it } from 'vitest';
import { addressesToTry } from '../../src/core/usual-ports.ts';

const HTTP = '127.0.0.1:5758';
const METRICS = '127.0.0.1:9091';
const portOf = (address = ''): number => Number(address.split(':')[1]);

describe('the addresses of a core that nobody chose', () => {
  it('are the usual ones, else those of its root, else any that are free', () => {
    const asked = { http: HTTP, metrics: METRICS };
    const tries = addressesToTry(asked, [HTTP, METRICS], '/srv/one');
    expect([tries[0], tries[2]]).toEqual([asked, { http: '127.0.0.1:0', metrics: '127.0.0.1:0' }]);
    const [http, metrics] = [portOf(tries[1]?.http), portOf(tries[1]?.metrics)];
    expect(http).toBeGreaterThanOrEqual(20_000);
    expect(metrics).toBe(http + 1);
    expect(metrics).toBeLessThan(32_768);
    expect(addressesToTry(asked, [HTTP, METRICS], '/srv/one')).toEqual(tries);
    expect(addressesToTry(asked, [HTTP, METRICS], '/srv/two')[1]).not.toEqual(tries[1]);
  });

  it('leave alone what was named, and what is off', () => {
    const named = { http: '127.0.0.1:80', metrics: METRICS };
    for (const { http } of addressesToTry(named, [METRICS], '/srv')) expect(http).toBe('127.0.0.1:80');
    for (const { http } of addressesToTry({ http: undefined, metrics: METRICS }, [METRICS], '/srv'))
      expect(http).toBeUndefined();
    expect(addressesToTry(named, [], '/srv')).toEqual([named]);
  });
});
