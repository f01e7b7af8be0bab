import fc from 'fast-check';
import { checkSpec, parseSpecText } from '../../src/cli/spec/yaml-spec.ts';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import { parseSpec } from '../../src/core/model/sandbox/spec.ts';
import { corpusFiles } from './corpus-files.ts';
import { mutated } from './mutations.ts';

/** Names, marks and values of specs, in whatever order: they parse more often than changed bytes do. */
const words = fc
  .array(
    fc.constantFrom(
      ...['image', 'host', 'envs', 'args', 'resources', 'cpus', 'memory', '512m', 'ttl', '1h', 'A', '-1'],
      ...[': ', '\n', '\n  ', '\n\t', '- ', '[', ']', '{', '}', ', ', '"', "'", '# ', '&a ', '*a', '<<: *a'],
      ...['? ', '|\n', '>-\n ', '---\n', '...\n', '%YAML 1.1\n', '!!binary ', '!x ', '~', '.nan', '1e999'],
      ...['0x7fffffffffffffff', '\0', '\ufeff', '\u2028', '\u001b[31m', '__proto__', 'constructor'],
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

const texts = fc.oneof(
  mutated(corpusFiles('yaml-spec')).map((bytes) => bytes.toString('utf8')),
  words,
  words.map((some) => `image: host\n${some}`),
);

/** A text is a spec that the core takes as well, or it is refused in words, with a line that is there. */
export const yamlSpecProperty = () =>
  fc.asyncProperty(texts, async (text) => {
    try {
      const parsed = await parseSpecText(text, 'box.yaml');
      const spec = await checkSpec(parsed.value, parsed);
      if (!(spec.ttl !== undefined && spec.expire_time)) parseSpec(spec);
    } catch (error) {
      if (!(error instanceof FsbError) || error.code !== 'invalid_argument') throw error;
      const lines = text.split('\n').length;
      for (const [, line] of error.message.matchAll(/^(?:invalid sandbox spec: )?box\.yaml:(\d+): /gm))
        if (Number(line) < 1 || Number(line) > lines) throw new Error(`line ${line}: ${error.message}`);
    }
  });
