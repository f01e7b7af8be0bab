import { describe, expect, it } from 'vitest';
import { configOfChanges, type RootfsConfig } from '../../../../src/core/image/archive/rootfs-changes.ts';

describe('changes of a configuration', () => {
  it.each<[string, string[], RootfsConfig]>([
    ['a command as JSON', ['CMD ["sh", "-c", "a b"]'], { Cmd: ['sh', '-c', 'a b'] }],
    ['a command for the shell', ['cmd echo $HOME "x"'], { Cmd: ['/bin/sh', '-c', 'echo $HOME "x"'] }],
    ['a test for the shell', ['CMD [ -f x ] && y'], { Cmd: ['/bin/sh', '-c', '[ -f x ] && y'] }],
    ['no command', ['CMD []'], { Cmd: [] }],
    ['the last of several', ['ENTRYPOINT ["a"]', 'ENTRYPOINT ["b"]'], { Entrypoint: ['b'] }],
    ['variables', ['ENV A=1 B="x y" C=a\\ b', "ENV D='$A'"], { Env: ['A=1', 'B=x y', 'C=a b', 'D=$A'] }],
    ['the old form', ['ENV A some  value'], { Env: ['A=some value'] }],
    ['one that is set again', ['ENV A=1 B=2', 'ENV A=3'], { Env: ['A=3', 'B=2'] }],
    ['variables in others', ['ENV P=/bin', `ENV P=$P:/x Q=\${P}y`], { Env: ['P=/bin:/x', 'Q=/biny'] }],
    [
      'ports',
      ['EXPOSE 80 53/UDP', 'EXPOSE 8000-8001'],
      { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} } },
    ],
    ['labels', ['LABEL a=1 "b c"="d e"', 'LABEL a=2'], { Labels: { a: '2', 'b c': 'd e' } }],
    ['others', ['STOPSIGNAL SIGINT', 'USER me:us'], { StopSignal: 'SIGINT', User: 'me:us' }],
    ['directories that follow each other', ['WORKDIR /a', 'WORKDIR b'], { WorkingDir: '/a/b' }],
    ['spaces around', ['  USER\t me  '], { User: 'me' }],
    ['nothing', [], {}],
  ])('%s', (_title, changes, config) => {
    expect(configOfChanges(changes)).toEqual(config);
  });

  it.each([
    ['CDM ["a"]', 'Did you mean CMD?'],
    ['RUN true', 'There are CMD'],
    ['', 'There are CMD'],
    ['constructor x', 'There are CMD'],
    ['USER', 'says nothing'],
    ['USER a b', 'one word'],
    ['ENV =x', 'NAME=VALUE'],
    ['ENV A=1 B', 'NAME=VALUE'],
    ['ENV A="x', 'closing "'],
    [`ENV A=\${B:-c}`, 'more than a variable'],
    ['EXPOSE 0', 'no port'],
    ['EXPOSE 9-8', 'no port'],
    ['EXPOSE 70000', 'no port'],
    ['STOPSIGNAL SIGNOTHING', 'unknown signal'],
  ])('refuses %s', (change, reason) => {
    let error: { code?: string; message?: string; hint?: string } = {};
    try {
      configOfChanges([change]);
    } catch (caught) {
      error = caught as typeof error;
    }
    expect(error.code).toBe('invalid_argument');
    expect(`${error.message} ${error.hint}`).toContain(reason);
    expect(error.message).toContain(JSON.stringify(change));
  });
});
