import { describe, expect, it } from 'vitest';
import { emptyImageConfig, type ImageConfig } from '../../../src/core/model/image/image.ts';
import {
  DEFAULT_PATH,
  environmentFor,
  processFor,
  stopSignalOf,
  termsWith,
} from '../../../src/core/model/sandbox/command.ts';
import { parseSpec, type SandboxSpecInput } from '../../../src/core/model/sandbox/spec.ts';

const spec = (change: Partial<SandboxSpecInput> = {}) => parseSpec({ image: 'tool', ...change });
const image = (change: Partial<ImageConfig> = {}): ImageConfig => ({ ...emptyImageConfig, ...change });

describe('what is run', () => {
  const both = image({ entrypoint: ['/entry', '-x'], cmd: ['one', 'two'] });
  it.each([
    ['the image has both, nothing is given', both, [], [], ['/entry', '-x', 'one', 'two']],
    ['args replace the cmd', both, [], ['three'], ['/entry', '-x', 'three']],
    ['command replaces the entrypoint and drops the cmd', both, ['sh'], [], ['sh']],
    ['command and args replace all', both, ['sh'], ['-c', 'true'], ['sh', '-c', 'true']],
    ['the image has a cmd only', image({ cmd: ['sh'] }), [], [], ['sh']],
    ['args replace an only cmd', image({ cmd: ['sh'] }), [], ['ls', '-l'], ['ls', '-l']],
    ['the image has an entrypoint only', image({ entrypoint: ['/entry'] }), [], [], ['/entry']],
    ['the image has nothing', image(), ['ls'], [], ['ls']],
    ['an empty word in the place of an entrypoint is none', both, [''], ['ls'], ['ls']],
    ['an empty entrypoint of the image is none', image({ entrypoint: [''], cmd: ['sh'] }), [], [], ['sh']],
    ['an empty argument stays', image(), ['echo'], [''], ['echo', '']],
  ])('%s', (_title, config, command, args, argv) => {
    expect(processFor(spec({ command, args }), config).argv).toEqual(argv);
  });

  it.each([
    ['nothing says what to run', image(), []],
    ['the program has an empty name', image(), ['']],
  ])('refuses when %s', (_title, config, command) => {
    expect(() => processFor(spec({ command }), config)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', hint: expect.stringContaining('COMMAND') }),
    );
  });
});

describe('what ends it', () => {
  it.each([
    ['SIGQUIT', 3],
    ['quit', 3],
    ['3', 3],
    ['SIGRTMIN+3', 37],
    ['SIGNONSENSE', undefined],
    ['0', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('stop signal %j of the image is %j', (stopSignal, expected) => {
    expect(stopSignalOf(image({ stopSignal }))).toBe(expected);
  });
});

describe('labels and ports', () => {
  const labels = { from: 'image', both: 'image' };
  it.each([
    [
      'the image has none',
      {},
      { labels: { own: '1' }, exposed_ports: [80] },
      { labels: { own: '1' }, exposed_ports: [80] },
    ],
    ['the spec says none', { labels, exposedPorts: [443, 80] }, {}, { labels, exposed_ports: [80, 443] }],
    [
      'both do',
      { labels, exposedPorts: [443, 80] },
      { labels: { both: 'spec', own: '' }, exposed_ports: [8080, 443, 9] },
      { labels: { from: 'image', both: 'spec', own: '' }, exposed_ports: [9, 80, 443, 8080] },
    ],
  ])('where %s', (_title, config, said, expected) => {
    expect(termsWith(spec(said), image(config))).toEqual(expected);
  });
});

describe('its environment', () => {
  it.each([
    ['a PATH is always there', [], {}, { PATH: DEFAULT_PATH }],
    ['the PATH of the image counts', ['PATH=/x'], {}, { PATH: '/x' }],
    ['the spec wins over the image', ['A=1', 'B=2'], { B: '3' }, { PATH: DEFAULT_PATH, A: '1', B: '3' }],
    ['a value may have equals signs', ['A=b=c'], {}, { PATH: DEFAULT_PATH, A: 'b=c' }],
    ['a line without a name or value is no variable', ['A', '=x'], {}, { PATH: DEFAULT_PATH }],
    ['an empty value is a value', ['A='], { B: '' }, { PATH: DEFAULT_PATH, A: '', B: '' }],
  ])('%s', (_title, env, envs, expected) => {
    expect(environmentFor(spec({ envs }), image({ env }))).toEqual(expected);
  });

  it('says which terminal it is, unless told', () => {
    expect(environmentFor(spec({ tty: true }), image()).TERM).toBe('xterm');
    expect(environmentFor(spec({ tty: true, envs: { TERM: 'tmux' } }), image()).TERM).toBe('tmux');
    expect(environmentFor(spec(), image())).not.toHaveProperty('TERM');
  });

  it('keeps a variable with an odd name', () => {
    expect(Object.entries(environmentFor(spec(), image({ env: ['__proto__=x'] })))).toContainEqual([
      '__proto__',
      'x',
    ]);
  });
});

describe('where and as whom', () => {
  it.each([
    ['', '', '/'],
    ['', '/srv', '/srv'],
    ['', 'app', '/app'],
    ['/tmp/new', '/srv', '/tmp/new'],
  ])('working_dir %j on %j is %s', (working_dir, workingDir, cwd) => {
    expect(processFor(spec({ working_dir, command: ['x'] }), image({ workingDir })).cwd).toBe(cwd);
  });

  it('refuses a relative working directory', () => {
    expect(() => processFor(spec({ working_dir: 'a', command: ['x'] }), image())).toThrow('not absolute');
  });

  it.each([
    ['', '', ''],
    ['', 'app', 'app'],
    ['1:2', 'app', '1:2'],
  ])('user %j on %j is %j', (user, imageUser, expected) => {
    expect(processFor(spec({ user, command: ['x'] }), image({ user: imageUser })).user).toBe(expected);
  });
});
