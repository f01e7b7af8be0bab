import { describe, expect, it } from 'vitest';
import { coreOfAnswer } from '../../../src/cli/endpoints/ssh-script.ts';

const far = { kind: 'ssh', host: 'far' } as const;
const answer = (endpoint: string): string => JSON.stringify({ running: true, endpoint });

describe('what another machine says of its core', () => {
  it('is the path of a socket', () => {
    expect(coreOfAnswer(answer('unix:///run/fsb/fsb.sock'), far)).toBe('/run/fsb/fsb.sock');
  });

  it.each(['/$\u007bHOME}/x', '/%d/x', '/a:/b', '/a\n/b', '/a b', '/\u001b[2J'])(
    'is never %j, in which ssh here would find something',
    (path) => {
      expect(() => coreOfAnswer(answer(`unix://${path}`), far)).toThrow();
    },
  );
});
