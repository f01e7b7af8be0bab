import { describe, expect, it } from 'vitest';
import { specTemplate } from '../../../../src/cli/spec/template.ts';
import { checkSpec, parseSpecText } from '../../../../src/cli/spec/yaml-spec.ts';
import { sandboxSpecSchema } from '../../../../src/core/model/sandbox/spec.ts';

const check = async (text: string) => {
  const parsed = await parseSpecText(text, 'box.yaml');
  return checkSpec(parsed.value, parsed);
};

describe('a spec in YAML', () => {
  it('may be JSON too', async () => {
    expect(await check('{"image": "host", "args": ["a"]}')).toEqual({ image: 'host', args: ['a'] });
  });

  it('takes numbers for texts where all values are texts, as they are written', async () => {
    const spec = await check(
      'image: host\nenvs: {A: 2, B: 1.10, C: 0800, D: 0x1F, E: -1e3}\nlabels: {l: 007}\n',
    );
    expect(spec).toMatchObject({
      envs: { A: '2', B: '1.10', C: '0800', D: '0x1F', E: '-1e3' },
      labels: { l: '007' },
    });
  });

  it('is found in a sandbox as get prints it, whose other keys say nothing about it', async () => {
    const spec = { image: 'host', args: ['sleep', '60'], envs: { A: '1' }, grace_period: '10s' };
    const view = { name: 'box', phase: 'Running', image: 'alpine', spec, events: [] };
    expect(await check(JSON.stringify(view))).toEqual(spec);
    const yaml = 'name: box\nphase: Running\nspec:\n  image: host\n  envs: &a {A: 2}\n  labels: *a\n';
    expect(await check(yaml)).toEqual({ image: 'host', envs: { A: '2' }, labels: { A: '2' } });
    await expect(check(`${yaml}  agrs: [x]\n`)).rejects.toThrow(
      'box.yaml:7: unknown key agrs\n  7 |   agrs: [x]',
    );
  });

  it.each([
    ['unknown key', 'image: host\n\nimagee: x\n', 'box.yaml:3: unknown key imagee\n  3 | imagee: x', 'image'],
    [
      'nested unknown key',
      'image: host\nresources:\n  cpu: 1\n',
      'box.yaml:3: unknown key resources.cpu',
      'cpus',
    ],
    [
      'wrong type',
      'image: host\nenvs:\n  A: "1"\n  DEBUG: yes\n  ON: true\n',
      'box.yaml:5: envs.ON',
      undefined,
    ],
    [
      'wrong item',
      'image: host\nexposed_ports:\n  - 80\n  - 99999\n',
      'box.yaml:4: exposed_ports.1',
      undefined,
    ],
    [
      'wrong item in one line',
      'image: host\nexposed_ports: [80, x]\n',
      'box.yaml:2: exposed_ports.1',
      undefined,
    ],
    ['missing image', 'args: [a]\n', 'image', 'image: host'],
    ['bad indentation', 'image: host\n  args: [a]\n', 'box.yaml:', undefined],
    ['unclosed list', 'image: host\nargs: [a\n', 'box.yaml:', 'such as image: host'],
    ['key twice', 'image: host\nimage: x\n', 'box.yaml:2', undefined],
    ['no map', '- a\n', 'box.yaml:1: a spec is a list of keys', undefined],
    [
      'what inspect prints',
      '[{"Id": "1", "Name": "src"}]',
      'this is a list, as inspect prints it',
      'fsb-ctl get NAME -o json',
    ],
    ['spec of another tool', 'kind: Pod\nspec: {image: host}\n', 'unknown key kind', 'Keys are image'],
    ['nothing', '# only words\n', 'only comments or nothing', 'such as image: host'],
    ['key of nobody', 'image: host\nfoo: x\n', 'unknown key foo', 'Keys are image, command, args'],
    ['two documents', 'image: host\n---\nimage: x\n', 'second document', undefined],
    ['wrong duration', 'image: host\nttl: soon\n', 'box.yaml:2: ttl: invalid duration "soon"', undefined],
  ])('%s', async (_, text, message, hint) => {
    const error = await check(text).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error?.code).toBe('invalid_argument');
    expect(error.message).toContain(message);
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  it.each([
    ['args: [sleep]', 'image (--image) is missing'],
    ['{image: host, args: x}', 'args: must be a list'],
    ['{image: host, envs: {DEBUG: true}}', 'envs.DEBUG: must be a text: put it in quotes'],
    ['{image: host, envs: [A]}', 'envs: must be a map of keys'],
    ['{image: host, tty: x}', 'tty: must be true or false'],
    ['{image: host, exposed_ports: [x]}', 'exposed_ports.0: must be a number'],
    ['{image: host, resources: {pids: 1.5}}', 'resources.pids: must be a whole number'],
    ['{image: host, resources: {memory: true}}', 'resources.memory: must be a text or a number'],
    ['{image: host, mounts: [{source: /a}]}', 'mounts.0.target is missing'],
  ])('tells a wrong type in plain words: %s', async (text, reason) => {
    await expect(check(text)).rejects.toThrow(reason);
    await expect(check(text)).rejects.not.toThrow('expected');
  });

  it.each([
    ['image: [\n', '1: the [ here is never closed with ]'],
    ['image: host\nargs: [a, [b]\nttl: 1h\n', '2: the [ here is never closed with ]'],
    ['image: host\nenvs: {A: "1"\nttl: 1h\n', '2: the { here is never closed with }'],
    ['{"image": "host"\n', '1: the { here is never closed with }'],
    ['image: host\nargs: ["a, b]\nttl: 1h\n', '2: the " here is never closed with "'],
    ["image: 'host\nttl: 1h\n", "1: the ' here is never closed with '"],
    ['image: host\nargs\nttl: 1h\n', '2: this is no `key: value`'],
    ['image: host\nttl 1h\n', '2: this is no `key: value`'],
    ['image: host\nuser: @me\n', '2: a value that begins with @ needs quotes'],
    ['image: host\ncommand: echo: x\n', '2: this value goes on as if it were a key'],
    ['image: host\nenvs:\n  A: x\n    B: y\n', '3: this value goes on as if it were a key'],
  ])('tells where the text is no YAML, in plain words: %j', async (text, reason) => {
    await expect(check(text)).rejects.toThrow(`invalid sandbox spec: box.yaml:${reason}`);
  });

  it('tells what is wrong in the order of the text', async () => {
    const error = await check('image: host\nfoo: 1\nttl: soon\nbar: 2\ntty: x\n').catch((thrown) => thrown);
    expect((error as Error).message.match(/box\.yaml:\d/g)).toEqual(
      [2, 3, 4, 5].map((line) => `box.yaml:${line}`),
    );
  });

  it('does not expand a bomb of aliases', async () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`,
    );
    await expect(check(`l0: &l0 [x]\n${levels.join('\n')}`)).rejects.toThrow(/alias/i);
  });

  const lines = (count: number, line: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n');
  const hostile: [string, string, string][] = [
    ['lists in lists', `args: ${'['.repeat(100_000)}`, 'box.yaml:1: it is nested too deeply'],
    ['maps in maps', lines(1200, (i) => `${' '.repeat(i)}a:`), 'it is nested too deeply'],
    ['dashes', '- '.repeat(50_000), 'it is nested too deeply'],
    [
      'more keys than could be compared',
      `image: host\n${lines(20_000, (i) => `k${i}: 1`)}`,
      'and 19980 more',
    ],
    ['a key again and again', 'image: x\n'.repeat(50_000), 'box.yaml:2: the key image is there twice'],
    ['a long key', `image: host\n? ${'k'.repeat(500_000)}\n: 1`, 'box.yaml:2: unknown key kkk'],
    ['a long line', `image: host\nfoo: ${'x'.repeat(1_000_000)}`, 'box.yaml:2: unknown key foo'],
    ['a long value', `image: host\nttl: ${'x'.repeat(1_000_000)}`, 'box.yaml:2: ttl: invalid duration'],
    ['a huge number', `image: host\nexpire_time: ${'9'.repeat(900_000)}`, 'box.yaml:2: expire_time'],
    ['a number that is none', 'image: host\nresources: {cpus: .nan}', 'box.yaml:2: resources.cpus'],
    ['a key that is a map', '{? {a: b} : c, image: host}', 'box.yaml:1: a key must be a plain text'],
    ['a key of bytes', 'image: host\n!!binary aGk=: 1', 'box.yaml:2: a key must be a plain text'],
    ['no key', '~: 1\nimage: host', 'box.yaml:1: a key must be a plain text'],
    ['a tab', 'image: host\nenvs:\n\tA: "1"', 'box.yaml:3: a tab cannot indent'],
    ['a NUL', 'image: h\0st\n', 'box.yaml:1: image: must not contain a NUL byte'],
    ['bytes that are no text', Buffer.from('6920ff3a2061', 'hex').toString(), 'box.yaml:1: unknown key'],
    ['what objects inherit', '__proto__: {a: 1}\nimage: host', 'box.yaml:1: unknown key __proto__'],
  ];

  it.each(hostile)('is refused in a short word, with the line: %s', async (_, text, message) => {
    const error = await check(text).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(message) });
    expect((error as Error).message.length).toBeLessThan(4_000);
  });

  it('tells problems of flags without a line', async () => {
    await expect(checkSpec({ image: 'host', pool_ref: 'No Name' })).rejects.toThrow(
      'invalid sandbox spec: pool_ref (--pool): not a valid pool name',
    );
  });
});

describe('the template', () => {
  it('is a valid spec as it stands', async () => {
    expect(await check(specTemplate('box'))).toEqual({ image: 'host', args: ['sleep', 'infinity'] });
  });

  it('is valid with everything uncommented, and names every key', async () => {
    const all = specTemplate('box').replaceAll(/^# ((\s+)?(- )?[a-z_]+:.*|\s+[A-Z]+: .*)$/gm, '$1');
    const spec = await check(all.replace('ttl: 1h', 'ttl: 1h'));
    const named = new Set([...Object.keys(spec), 'expire_time']);
    expect(Object.keys(sandboxSpecSchema.shape).filter((key) => !named.has(key))).toEqual([]);
  });
});
