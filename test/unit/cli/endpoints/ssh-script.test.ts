import { describe, expect, it } from 'vitest';
import { coreOfAnswer, scriptFailure } from '../../../../src/cli/endpoints/ssh-script.ts';

const far = { kind: 'ssh', host: 'far' } as const;
const answer = (endpoint: string): string => JSON.stringify({ running: true, endpoint });

describe('a hint', () => {
  const root = { ...far, user: 'root', port: 22_022 } as const;

  it.each([
    [255, 'Connection refused', 'Does this work: ssh -p 22022 root@far true'],
    [255, 'Host key verification failed', 'ssh -p 22022 root@far'],
    [97, '', 'ssh://root@far:22022/run/fsb/fsb.sock'],
    [98, '', 'ssh -p 22022 root@far fsb-ctl daemon start'],
  ])('has the user and the port of the endpoint: exit %s %s', (exit, complaint, hint) => {
    expect(scriptFailure(root, exit, complaint).hint).toContain(hint);
  });

  it('has them where the core does not run, too', () => {
    const stopped = JSON.stringify({ running: false, endpoint: 'unix:///run/fsb.sock' });
    const hint = 'Start it with: ssh -p 22022 root@far fsb-ctl daemon start';
    expect(() => coreOfAnswer(stopped, root)).toThrow(expect.objectContaining({ hint }));
  });
});

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
