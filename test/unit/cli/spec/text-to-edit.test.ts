import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mergeSpecs, type PartialSpec } from '../../../../src/cli/spec/spec-from-flags.ts';
import { textToEdit } from '../../../../src/cli/spec/text-to-edit.ts';
import { parseSpecText } from '../../../../src/cli/spec/yaml-spec.ts';

/** Whatever a shell can hand over: every character but NUL. */
const word = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''));
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
const awkward = fc.constantFrom(
  '',
  ' ',
  '- a',
  '# b',
  'a: b',
  '1',
  'true',
  'null',
  '~',
  '*x',
  '&x',
  '!!t',
  'a\nb',
  '"',
  "'",
  '%',
  '@',
  '`',
  '{',
  '[',
  '\u0085',
  '\ufeff',
  '\t',
);
const words = fc.array(fc.oneof(word, awkward), { minLength: 1 });
const said: fc.Arbitrary<PartialSpec> = fc.record(
  {
    args: words,
    command: words,
    envs: fc.dictionary(name, fc.oneof(word, awkward), { minKeys: 1 }),
    working_dir: word,
    ttl: fc.constantFrom('1s', '1h30m'),
    resources: fc.record({ cpus: fc.constant(0.5), memory: fc.integer({ min: 6 * 2 ** 20 }) }),
    exposed_ports: fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1 }),
    network: fc.constantFrom('none' as const, 'host' as const),
  },
  { requiredKeys: [] },
);

const specIn = async (text: string): Promise<Record<string, unknown>> =>
  (await parseSpecText(text, 'text')).value;
/** Sizes are said as people read them where that is exact. */
const readable = (value: Record<string, unknown>): unknown =>
  JSON.parse(JSON.stringify(value).replace(/"memory":"?[^,}]*/, '"memory":0'));

it('a new text says all that the line says, whatever the words are', async () => {
  await fc.assert(
    fc.asyncProperty(said, async (flags) => {
      const { text, over } = await textToEdit(undefined, 'box', flags);
      expect(over).toEqual({});
      const given = { image: 'host', ...(flags.command ? {} : { args: ['sleep', 'infinity'] }), ...flags };
      expect(readable(await specIn(text))).toEqual(readable(given));
    }),
  );
});

it('so does the last one, and keeps what else it said', async () => {
  await fc.assert(
    fc.asyncProperty(said, said, async (before, flags) => {
      const { text: last } = await textToEdit(undefined, 'box', before);
      const { text, over } = await textToEdit(last, 'box', flags);
      expect(over).toEqual({});
      expect(readable(await specIn(text))).toEqual(readable(mergeSpecs(await specIn(last), flags)));
      expect(text).toContain('# Where the command starts; made if missing.');
    }),
  );
});

it('begins with the note for who did not want it, and reads the same', async () => {
  const { text } = await textToEdit(undefined, 'alpine', { args: ['sh'] }, 'If alpine\nis the image');
  const { text: plain } = await textToEdit(undefined, 'alpine', { args: ['sh'] });
  expect(text).toBe(`# If alpine\n# is the image\n\n${plain}`);
});

it('is the last one as it was where the line says nothing, and what is no YAML stays', async () => {
  expect(await textToEdit('image:   host #x\n', 'box', {})).toEqual({ text: 'image:   host #x\n', over: {} });
  for (const last of ['image: [a', '- a', 'a: 1\n---\nb: 2', 'a: *b'])
    expect(await textToEdit(last, 'box', { args: ['x'] })).toEqual({ text: last, over: { args: ['x'] } });
});
