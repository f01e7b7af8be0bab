import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileJsonPath } from '../../../../src/cli/output/expressions/jsonpath.ts';
import { compileTemplate } from '../../../../src/cli/output/expressions/template.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';

const box = {
  ...{ name: 'box', phase: 'Running', exit_code: null, generation: 2, warm: true, endpoints: ['a:1', 'b:2'] },
  labels: { team: 'red', 'fsb.io/tier': 'a' } as Record<string, string>,
  events: [{ message: 'made' }, { message: 'started' }],
};
const job = { ...box, name: 'job', phase: 'Exited', exit_code: 7, labels: {}, events: [] };
const list = [box, job];

describe('jsonpath', () => {
  it.each([
    ['{.name}', box, 'box\n'],
    ['.name', box, 'box\n'],
    ['$.name', box, 'box\n'],
    ['{.items[*].name}', list, 'box job\n'],
    ['{.name}', list, 'box job\n'],
    ['{[*].name}', list, 'box job\n'],
    ['{$[-1].name}', list, 'job\n'],
    ['{.items[0:1].name}', list, 'box\n'],
    ['{.items[::2].name}', list, 'box\n'],
    ['{.items[0,1].phase}', list, 'Running Exited\n'],
    ["{['name','phase']}", box, 'box Running\n'],
    ['{.labels.fsb\\.io/tier}', box, 'a\n'],
    ["{.labels['fsb.io/tier']}", box, 'a\n'],
    ['{.labels}', box, '{"team":"red","fsb.io/tier":"a"}\n'],
    ['{.labels.*}', box, 'red a\n'],
    ['{..message}', box, 'made started\n'],
    ['{..name}', list, 'box job\n'],
    ['{.items[?(@.phase=="Running")].name}', list, 'box\n'],
    ['{.items[?(@.exit_code > 0)].name}', list, 'job\n'],
    ['{.items[?(@.exit_code)].name}', list, 'job\n'],
    ['{.items[?(@.exit_code==null && @.warm==true)].name}', list, 'box\n'],
    ['{.items[?(@.exit_code < 8)].name}', list, 'job\n'],
    ['{.items[?(@.exit_code <= @.labels.nothing)].name}', list, ''],
    ['{"\\u00e9\\u0009\\.\\u"}{.name}', box, 'é\t.ubox\n'],
    ["{.items[?(@.name=='x' || @.phase!='Running')].name}", list, 'job\n'],
    ['{range .items[*]}{.name}{"\\t"}{.phase}{"\\n"}{end}', list, 'box\tRunning\njob\tExited\n'],
    ['{range .items}{.name}={range .events[*]}{.message},{end};{end}', list, 'box=made,started,;job=;\n'],
    ['{range .items[*]}{$[0].name}{" "}{end}', list, 'box box \n'],
    ['name: {.name "!"}', box, 'name: box!\n'],
    ['{.labels.nothing}', box, ''],
    ['{.labels.nothing.here}{.events[7].message}', box, ''],
    ['{range .events[*]}{..nothing}{end}', box, ''],
    ['{..nothing}', list, ''],
    ["{..['message']}", box, 'made started\n'],
    ["{..['name','message']}", list, 'box made started job\n'],
    ["{..['nothing']}", list, ''],
    ['{.nothing}', [], ''],
    ['{.exit_code}', box, ''],
    ['{.name.length}{.labels.constructor}', box, ''],
  ])('%s', (source, data, text) => {
    expect(compileJsonPath(source)(data)).toBe(text);
  });

  it.each([
    ['{.name', 7, 'expected "}", found the end'],
    ['{.items[}', 9, 'expected a number'],
    ['{.items[?(@.a=="b]}', 16, 'the text has no end'],
    ['{range .items}{.name}', 22, '{range} has no {end}'],
    ['{.name}{end}', 8, '{end} without {range}'],
    ['{.a[::0]}', 5, 'the step of a slice is at least 1'],
    ['{nope}', 2, 'expected a path like .name, found "nope}"'],
    ['.name x', 6, 'expected the end'],
  ])('%s is wrong at %i', (source, position, why) => {
    expect(() => compileJsonPath(source)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: expect.stringContaining(`invalid jsonpath at position ${position}: ${why}`),
      }),
    );
  });

  it.each([
    ['{.phas}', box],
    ['{.phas}', list],
    ['{.items[*].phas}', list],
    ['{.items[0].phas.here}', list],
    ["{$['phas']}", box],
    ['{range .items[*]}{.phas}{end}', list],
    ['{.items[?(@.phas=="Running")].name}', list],
    ['{.at.phas}', { at: { phase: 1 } }],
    ['{.at[*].phas}', { at: [{ phase: 1 }] }],
  ])('%s is a slip: every row has the same fields', (source, data) => {
    expect(() => compileJsonPath(source)(data)).toThrow(
      expect.objectContaining({
        ...{ code: 'invalid_argument', message: 'there is no field "phas"', hint: 'Did you mean phase?' },
      }),
    );
  });

  const key = fc.string({ minLength: 1, maxLength: 6 });
  const tree = fc.letrec((tie) => ({
    data: fc.oneof(
      { maxDepth: 4 },
      ...[fc.string(), fc.integer(), fc.boolean()],
      fc.dictionary(key, tie('data'), { maxKeys: 3 }),
      fc.array(tie('data'), { maxLength: 3 }),
    ),
  })).data;

  it('finds every value by its path, whatever the keys are', () => {
    fc.assert(
      fc.property(fc.dictionary(key, tree, { minKeys: 1, maxKeys: 3 }), fc.nat(), (root, pick) => {
        const paths = pathsOf(root);
        const { steps, value } = paths[pick % paths.length]!;
        const source = `{$${steps.map((step) => `[${typeof step === 'number' ? step : quoted(step)}]`).join('')}}`;
        const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
        expect(compileJsonPath(source)(root).replace(/\n$/, '')).toBe(text.replace(/\n$/, ''));
      }),
    );
  });
});

/** Every value below the root, with the keys that lead there. */
function pathsOf(
  value: unknown,
  steps: (string | number)[] = [],
): { steps: (string | number)[]; value: unknown }[] {
  const below =
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, part]) =>
          pathsOf(part, [...steps, Array.isArray(value) ? Number(key) : key]),
        )
      : [];
  return steps.length === 0 ? below : [{ steps, value }, ...below];
}

/** Only these two mean something between quotes. */
const quoted = (key: string): string => `"${key.replaceAll(/["\\]/g, '\\$&')}"`;

describe('templates', () => {
  it.each([
    ['{{.name}}', 'box'],
    ['{{ .Name }}\\t{{.PHASE}}', 'box\tRunning'],
    ['{{.ExitCode}}{{.Generation}}', '2'],
    ['{{.labels.team}}{{.labels.nobody}}', 'red'],
    ['{{index .labels "fsb.io/tier"}}', 'a'],
    ['{{index .events 0 "message"}} {{(index .events 1).message}}', 'made started'],
    ['{{json .labels}}', '{"team":"red","fsb.io/tier":"a"}'],
    ['{{json .exit_code}}', 'null'],
    ['{{join .endpoints ","}} {{.endpoints | join ","}}', 'a:1,b:2 a:1,b:2'],
    ['{{.name | upper | printf "%-5s|"}}', 'BOX  |'],
    ['{{len .events}}{{len .name}}', '23'],
    ['{{range .events}}{{.message}} {{$.name}}\\n{{end}}', 'made box\nstarted box\n'],
    ['{{range .labels}}{{.}} {{end}}', 'a red '],
    ['{{if .exit_code}}ended{{else if eq .phase "Running"}}runs{{else}}?{{end}}', 'runs'],
    ['{{with .labels}}{{.team}}{{end}}', 'red'],
    ['{{if and .warm (not .exit_code)}}yes{{end}}', 'yes'],
    ['{{if gt .generation 1}}again{{end}}', 'again'],
    ['a {{- /* no */ -}} b{{ "}" }}', 'ab}'],
    ['{{/* nothing */}}x\\\\n', 'x\\n'],
    ['{{println .name `x`}}', 'box x\n'],
    ['{{if lt .exit_code 1}}lt{{else}}no{{end}}', 'no'],
    ['{{printf "%v%%|%3d" .name .generation}}', 'box%|  2'],
    ['{{.Label "team"}}|{{.Label "fsb.io/tier"}}|{{.Label "none"}}|{{upper (.Label "team")}}', 'red|a||RED'],
    ['{{range $key, $value := .labels}}{{$key}}={{$value}}{{println}}{{end}}', 'fsb.io/tier=a\nteam=red\n'],
    ['{{range $i, $e := .events}}{{if $i}},{{end}}{{$e.message}}{{end}}', 'made,started'],
    ['{{range $e := .events}}{{$e.message}}{{end}}', 'madestarted'],
    ['{{$x := .name}}{{with $y := .labels}}{{$x}}{{$y.team}}{{.team}}{{end}}', 'boxredred'],
    ['{{$c := ""}}{{range .events}}{{$c}}{{.message}}{{$c = ", "}}{{end}}', 'made, started'],
    ['{{$x := 1}}{{if $x := .name}}{{$x}}{{end}}{{$x}}', 'box1'],
    ['{{if false}}{{else if $n := .name}}{{$n}}{{end}}', 'box'],
    ['{{slice .name 1}}{{slice .name 0 2}}{{len (slice .events 1)}}', 'oxbo1'],
    ['{{printf "%.2s|%-4.2s|" .name .phase}}', 'bo|Ru  |'],
    ['{{range .endpoints}}{{println .}}{{end}}', 'a:1\nb:2\n'],
    ['{{join (split .phase "n") "-"}} {{title "a few"}} {{lower .phase}}', 'Ru--i-g A Few running'],
    ['{{- range .events -}} {{.message}} {{- end -}} ', 'madestarted'],
    ['{{truncate .phase 3}}{{pad "x" 1 2}}|', 'Run x  |'],
  ])('%s', (source, text) => {
    expect(compileTemplate(source)(box)).toBe(text);
  });

  it.each([
    ['{{.Names}} {{.names}}', 'BOX BOX'],
    ['{{.Labels}} {{.labels.team}} {{.LABELS.team}}', 'team=red red red'],
    ['{{with .labels}}{{.Names}}{{$.Names}}{{end}}', 'BOX'],
  ])('%s, with names of docker, which count where they are spelled so', (source, text) => {
    expect(compileTemplate(source)(box, { Names: 'BOX', Labels: 'team=red' })).toBe(text);
  });

  it.each([
    ['{{.name', 'position 8: expected "}}", found the end'],
    ['{{jsn .}}', 'position 3: unknown function "jsn"'],
    ['{{upper}}', 'position 3: upper takes 1 argument, not 0'],
    ['{{if .a}}x', 'position 11: {{if}} has no {{end}}'],
    ['x{{end}}', 'position 4: {{end}} without {{if}}'],
    ['{{.name | "x"}}', 'position 11: expected a function'],
    ['{{if .a}}{{else}}{{else}}{{end}}', '{{else}} twice'],
    ['{{}}', 'position 3: expected a field'],
    ['{{$x}}', 'position 3: unknown variable "$x"'],
    ['{{if .warm}}{{$x := 1}}{{end}}{{$x}}', 'position 33: unknown variable "$x"'],
    ['{{$x = 1}}', 'position 3: unknown variable "$x"'],
    ['{{$a, $b := .labels}}', 'only range has two variables'],
  ])('%s is wrong', (source, why) => {
    expect(() => compileTemplate(source)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(why) }),
    );
  });

  it.each(['%.2f', '%05d', '%x', '100%'])('prints no %j that printf does not know as it is', (verb) => {
    expect(() => compileTemplate(`{{printf "${verb}" .generation}}`)(box)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(verb.replace(/^\d+/, '')) }),
    );
  });

  it('knows no field that the row does not have', () => {
    expect(() => compileTemplate('{{.phas}}')(box)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('there is no field "phas"'),
        hint: 'Did you mean phase?',
      }),
    );
    expect(() => compileTemplate('{{.constructor}}')(box)).toThrow('there is no field');
    for (const source of ['{{(index .events 0).mesage}}', '{{range .events}}{{.mesage}}{{end}}'])
      expect(() => compileTemplate(source)(box)).toThrow('there is no field "mesage"');
    const state = { Labels: 'team=red', State: { Status: 'running' } };
    expect(() => compileTemplate('{{.State.Pid}}')(box, state)).toThrow('there is no field "Pid"');
    expect(() => compileTemplate('{{.name.length}}')(box)).toThrow('there is no field "length" in a string');
  });

  it('print text without actions as it is', () => {
    const text = fc.string().filter((each) => !/\{\{|\\/.test(each));
    fc.assert(fc.property(text, (each) => void expect(compileTemplate(each)(box)).toBe(each)));
  });
});

describe('expressions', () => {
  const word = fc.constantFrom(
    ...[
      '{',
      '}',
      '{{',
      '}}',
      '.',
      'name',
      '[',
      ']',
      '*',
      '?(',
      ')',
      '@',
      '$',
      '"',
      "'",
      '\\',
      '|',
      ' ',
      '-',
      '0',
      ':',
    ],
    ...['range ', 'end', 'if ', 'else', 'with ', 'json', 'index', '==', '&&', ',', '..', 'items', 'eq'],
  );
  const source = fc.array(word, { maxLength: 14 }).map((words) => words.join(''));

  it.each([
    ['jsonpath', compileJsonPath],
    ['template', compileTemplate],
  ])('a %s is text, or a mistake that is told', (_, compile) => {
    fc.assert(
      fc.property(source, (text) => {
        try {
          expect(typeof compile(text)(list)).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(FsbError);
          expect((error as FsbError).code).toBe('invalid_argument');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
