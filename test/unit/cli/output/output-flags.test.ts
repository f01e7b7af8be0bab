import { describe, expect, it } from 'vitest';
import pjson from '../../../../package.json' with { type: 'json' };
import { wantsJson } from '../../../../src/cli/command/wants-json.ts';
import type { FlagArities } from '../../../../src/cli/words/pass-through.ts';
import { type CommandLineOptions, runCommandLine } from '../../../helpers/cli/command-line.ts';
import { NOW } from '../../../helpers/cli/fixed-answers.ts';
import { fixedCore } from '../../../helpers/cli/fixed-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';
import { runOnFixedCore } from '../golden-lines.ts';

const { version } = pjson;
const fsb = (argv: string[], options: CommandLineOptions = {}) =>
  runCommandLine(argv, { core: fixedCore(), clock: createManualClock(NOW), ...options });

describe('the format of the result', () => {
  it.each([
    [['-o', 'jsonpath={.items[?(@.phase=="Failed")].name}'], 'job\n'],
    [
      ['-o', 'template={{.name}}={{.phase}}'],
      'box=Running\njob=Failed\nold=Exited\ncold=Running\nnew=Pending\n',
    ],
    [['-o', 'go-template={{.name}}'], 'box\njob\nold\ncold\nnew\n'],
    [
      ['--format', '{{.Names}}: {{.Status}}'],
      'box: Up 5 minutes\njob: Exited (137) About a minute ago\nold: Exited (7) 3 minutes ago\ncold: Up 30 minutes (Paused)\nnew: Created\n',
    ],
    [['--format={{if .exit_code}}{{.name}}{{end}}', '-q'], '\njob\nold\n\n\n'],
    [
      ['--format', 'table {{.Name}}\\t{{.ExitCode}}'],
      'NAME   EXIT CODE\nbox    -\njob    137\nold    7\ncold   -\nnew    -\n',
    ],
    [['--format', 'name'], 'box\njob\nold\ncold\nnew\n'],
  ])('%j', async (options, stdout) => {
    expect(await fsb(['list', '-a', ...options])).toEqual({ code: 0, stdout, stderr: '' });
  });

  it.each([
    [['-o', 'jsn'], 'unknown output format "jsn"', 'Did you mean json?'],
    [['-o', 'jsonpth={.name}'], 'unknown output format "jsonpth={.name}"', 'Did you mean jsonpath?'],
    [['-o', 'jsonpath'], 'output format jsonpath needs an expression', "-o 'jsonpath={.name}'"],
    [['-o', 'template='], 'output format template needs an expression', "-o 'template={{.name}}'"],
    [['-o', 'jsonpath={.name'], '--output: invalid jsonpath at position 7: expected "}"', 'docs/output.md'],
    [['--format', '{{uper .name}}'], 'position 3: unknown function "uper"', 'Did you mean upper?'],
    [['--format', '{{.nmae}}'], 'there is no field "nmae"', 'Did you mean name?'],
    [['--format', '{{.NetworkSettings.IPAddress}}'], 'there is no field', 'fsb-ctl port-forward NAME'],
    [['--format', '{{.HostConfig.Memory}}'], 'there is no field', '.spec.resources'],
    [['--format', '{{.Frobnicated}}'], 'there is no field', 'docs/output.md has them all'],
    [['-o', 'jsonpath={.items[*'], 'expected "]", found the end', 'docs/output.md'],
    [['--json', '-o', 'yaml'], '--json', '--help'],
  ])('%j is wrong usage', async (options, why, hint) => {
    const { code, stdout, stderr } = await fsb(['list', ...options]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(why);
    expect(stderr).toContain(hint);
  });

  it('is known before anything is made', async () => {
    const { code } = await fsb(['run', 'box', '--image', 'host', '-o', '{{.a', 'true'], {
      connect: () => expect.unreachable(),
    });
    expect(code).toBe(2);
  });

  it('applies to each of a stream', async () => {
    const template = await fsb(['events', '--no-stream', '--format', '{{.seq}} {{.type}}']);
    expect(template.stdout).toBe('7 started\n8 renamed\n9 failed\n11 exited\n12 pulled\n13 pruned\n');
    const path = await fsb(['logs', 'box', '-o', 'jsonpath={.stream}']);
    expect(path.stdout).toBe('stdout\nstderr\n');
  });
});

const box = 'box'.padEnd(32, '0');

describe('--format json, as docker has it', () => {
  const objects = async (line: string): Promise<Record<string, unknown>[]> => {
    const { code, stdout } = await runOnFixedCore(line);
    expect(code).toBe(0);
    return stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
  };

  it.each([
    ['ps -a', 5, { ID: 'box000000000', Names: 'box', Image: 'host', State: 'running', name: 'box' }],
    ['images', 4, { Repository: 'host', Tag: '<none>', Size: '0B', references: ['host'] }],
    ['history tool', 2, { ID: '<missing>', CreatedBy: '', Comment: 'by hand', comment: 'by hand' }],
    ['stats --no-stream', 2, { Name: 'box', CPUPerc: '25.00%', PIDs: '3', pids: 3 }],
    [
      'events --no-stream',
      6,
      {
        ...{ status: 'start', id: box, from: 'alpine:latest', Type: 'container', Action: 'start' },
        Actor: { ID: box, Attributes: { team: 'red', image: 'alpine:latest', name: 'box' } },
        ...{ scope: 'local', time: 1_772_366_400, timeNano: 1_772_366_400_006_000_000 },
        ...{ kind: 'sandbox', type: 'started', name: 'box', seq: 7 },
      },
    ],
    ['context ls', 2, { Name: 'default', DockerEndpoint: expect.any(String), name: 'default' }],
    ['system df', 8, { Type: 'Images', TotalCount: '3', type: 'images' }],
    ['info', 1, { NCPU: 2, ServerVersion: '0.1.0', ContainersStopped: 3 }],
    ['version', 1, { Client: { NodeVersion: process.version.slice(1) }, Server: { Version: '0.1.0' } }],
    ['logs box', 2, { stream: 'stdout' }],
    ['get box', 1, { Names: 'box', name: 'box' }],
  ])('%s', async (line, count, first) => {
    const found = await objects(`${line} --format json`);
    expect(found).toHaveLength(count);
    expect(found[0]).toMatchObject(first);
    expect(await objects(`${line} --format=json`)).toEqual(found);
    // The same, as docker users write it.
    expect(await objects(`${line} --format {{.|json}}`)).toEqual(found);
  });

  it("of inspect has docker's objects, not the texts of a list", async () => {
    const [sandbox] = await objects('inspect box --format json');
    expect(sandbox).toMatchObject({ State: { Running: true }, Id: box, id: box });
    expect(sandbox).not.toHaveProperty('Names');
    const [image] = await objects('image inspect tool --format {{.|json}}');
    expect(image).toMatchObject({
      ...{ Id: expect.stringMatching(/^sha256:cd/), RepoTags: ['quay.io/me/tool:1', 'tool:latest'] },
      ...{ RepoDigests: [expect.stringContaining('@sha256:')], Os: 'linux', Architecture: 'arm' },
      Config: { User: '1000:1000', Labels: {} },
      RootFS: { Type: 'layers', Layers: [expect.stringMatching(/^sha256:/)] },
      config: { user: '1000:1000' },
    });
  });

  it.each([
    [
      'event=die',
      { Action: 'die', Actor: { Attributes: { exitCode: '137' } }, code: 137, signal: 'SIGKILL' },
    ],
    ['event=rename', { Action: 'rename', from: 'alpine:latest', Actor: { Attributes: { oldName: 'box' } } }],
    ['event=failed', { Action: 'failed', Type: 'container' }],
    ['event=pull', { Type: 'image', Action: 'pull', id: 'alpine:latest' }],
    ['event=pruned', { Type: 'image', Action: 'prune', Actor: { Attributes: { reclaimed: '42000000' } } }],
    ['event=evicted', { Type: 'pool', Action: 'evicted', Actor: { Attributes: { cause: 'ttl' } } }],
  ])("of an event has docker's words, also to choose by: %s", async (filter, fields) => {
    expect(await objects(`events --no-stream --filter ${filter} --format json`)).toMatchObject([fields]);
  });

  it('of nothing is nothing', async () => {
    expect(await fsb('list -l team=nobody --format json'.split(' '))).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('is another thing than -o json, and no more to be given with it', async () => {
    const list = JSON.parse((await fsb('list -o json'.split(' '))).stdout);
    expect(list).toHaveLength(3);
    expect(list[0]).not.toHaveProperty('Names');
    expect((await fsb('list -o json --format json'.split(' '))).code).toBe(2);
    expect((await fsb('list --json --format json'.split(' '))).code).toBe(2);
  });
});

describe('-q', () => {
  it.each([
    ['list', 'box\ncold\nnew\n'],
    ['list --no-trunc -l team=red', `${box}\n`],
    ['run box --image host', `${box}\n`],
    ['get box', 'box\n'],
    ['inspect box', 'box\n'],
    ['stop box', 'box\n'],
    ['start box', 'box\n'],
    ['rename box crate', 'crate\n'],
    ['stats --no-stream', 'box\ncold\n'],
    ['context list', 'default\nbuild\n'],
    ['pool list', 'ci\ndefault-pool\n'],
    ['pool leases', 'l0123456789abcdef\nlfedcba9876543210\n'],
    ['image list host', 'abababababab\n'],
    ['top box', '5\n7\n'],
  ])('names what has a name, and else gives ids: %s', async (line, text) => {
    expect(await runOnFixedCore(`${line} -q`)).toEqual({ code: 0, stdout: text, stderr: '' });
  });
});

describe('templates with names of docker', () => {
  it.each([
    [
      'list --format {{.ID}}|{{.Names}}|{{.Image}}|{{.Command}}|{{.CreatedAt}}|{{.RunningFor}}|{{.Status}}|{{.State}}|{{.Ports}}|{{.Labels}}|{{.Networks}} -l team=red',
      `box000000000|box|host|sh -c 'echo "a b"'|2026-03-01T11:55:00.000Z|5 minutes ago|Up 5 minutes|running|8080|team=red,tier=web|none\n`,
    ],
    ['list --no-trunc --format {{.ID}} -l team=red', 'box00000000000000000000000000000\n'],
    ['version --format {{.Client.Version}}|{{.Server.Version}}', `${version}|${version}\n`],
    [
      'info --format {{.ServerVersion}}|{{.NCPU}}|{{.ContainersRunning}}/{{.Containers}}',
      `${version}|2|2/5\n`,
    ],
    [
      'events --no-stream -f type=container -f event=die --format {{.Type}}|{{.Action}}|{{.Status}}|{{.Actor.ID}}|{{.Actor.Attributes.name}}|{{.Actor.Attributes.exitCode}}|{{.Time}}|{{.TimeNano}}|{{.From}}',
      `container|die|die|${box}|box|137|1772366400|1772366400010000000|alpine:latest\n`,
    ],
    [
      'events --no-stream -f event=die --format {{.type}}|{{.time}}|{{.from}}|',
      'exited|2026-03-01T12:00:00.010Z||\n',
    ],
    ['get box -o {{.ID}}', 'box00000000000000000000000000000\n'],
    [
      'image list --format {{.Repository}}:{{.Tag}}',
      'host:<none>\nquay.io/me/tool:1\ntool:latest\n<none>:<none>\n',
    ],
    [
      'image list --format {{.ID}}|{{.Size}}|{{.VirtualSize}}|{{.SharedSize}}|{{.UniqueSize}}|{{.CreatedAt}}|{{.CreatedSince}}|{{.Containers}} tool',
      'cdcdcdcdcdcd|8.6MiB|8.6MiB|7.6MiB|977KiB|2025-12-22T01:20:00.000Z|2 months ago|2\n',
    ],
    [
      'image list --format table\t{{.Repository}}\t{{.Tag}}\t{{.CreatedSince}}',
      [
        'REPOSITORY        TAG      CREATED',
        'host              <none>   -',
        'quay.io/me/tool   1        2 months ago',
        'tool              latest   2 months ago',
        '<none>            <none>   -',
        '',
      ].join('\n'),
    ],
    [
      'image history tool --format {{.ID}}|{{.CreatedBy}}|{{.CreatedSince}}|{{.CreatedAt}}|{{.Size}}|{{.Comment}}',
      '<missing>||||0B|by hand\nabababababab|COPY tool /bin|4 months ago|2025-10-13T14:40:00.000Z|8.8KiB|\n',
    ],
  ])('%s', async (line, stdout) => {
    expect(await fsb(line.split(' '))).toEqual({ code: 0, stdout, stderr: '' });
  });

  it.each([
    [
      'inspect box -f {{.State.Running}}|{{.State.Status}}|{{.Id}}',
      'true|running|box00000000000000000000000000000\n',
    ],
    [
      'inspect box job --format {{.Name}}:{{.State.ExitCode}}:{{.State.OOMKilled}}',
      'box:0:false\njob:137:true\n',
    ],
    [
      'inspect -f {{json.State}} cold',
      /^\{"Status":"paused","Running":true,"Paused":true,.*"FinishedAt":"0001-/,
    ],
    ['inspect -f {{.Config.Image}}{{json.Config.Cmd}} box', 'host["sh","-c","echo \\"a b\\""]\n'],
    [
      'image inspect tool -f {{.Id}}|{{.RepoTags}}|{{.Os}}/{{.Architecture}}|{{.Config.User}}',
      /^sha256:cd.*\|\["quay.io\/me\/tool:1","tool:latest"\]\|linux\/arm\|1000:1000\n$/,
    ],
    ['info -f {{.NCPU}}', '2\n'],
    ['version -f {{.Client.Version}}', `${version}\n`],
    ['context inspect -f {{.Name}} default', 'default\n'],
    ['inspect -q box job', 'box\njob\n'],
  ])('%s', async (line, text) => {
    const words = line.split(' ').map((word) => word.replace('{{json.', '{{json .'));
    const { code, stdout } = await fsb(words);
    expect(code).toBe(0);
    expect(stdout).toEqual(typeof text === 'string' ? text : expect.stringMatching(text));
  });

  it('knows them where one was probably meant', async () => {
    expect((await fsb(['image', 'list', '--format', '{{.Repo}}'])).stderr).toContain(
      'there is no field "Repo"',
    );
    expect((await fsb(['image', 'list', '--format', '{{.Repsitory}}'])).stderr).toContain(
      'Did you mean Repository?',
    );
  });
});

describe('colours', () => {
  const COLOR = '\u001b[';

  it('are for terminals that want them', async () => {
    const colored = async (options: CommandLineOptions, ...flags: string[]): Promise<boolean> =>
      (await fsb(['list', ...flags], options)).stdout.includes(COLOR);
    expect(await colored({ tty: true })).toBe(true);
    expect(await colored({})).toBe(false);
    expect(await colored({ tty: true }, '--no-color')).toBe(false);
    expect(await colored({ tty: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await colored({ tty: true, env: { TERM: 'dumb' } })).toBe(false);
  });

  it('and -q prints names, with --no-trunc whole ids', async () => {
    expect((await fsb(['list', '-q', '-l', 'team=red'])).stdout).toBe('box\n');
    expect((await fsb(['list', '-q', '--no-trunc', '-l', 'team=red'])).stdout).toBe(
      `${'box'.padEnd(32, '0')}\n`,
    );
  });

  it('and rows end at the edge of the terminal, unless all is wanted', async () => {
    const widest = async (...flags: string[]): Promise<number> => {
      const { stdout } = await fsb(['list', '-a', '--no-color', ...flags], { tty: true });
      return Math.max(...stdout.split('\n').map((line) => line.length));
    };
    expect(await widest()).toBeLessThanOrEqual(80);
    expect(await widest('--no-trunc')).toBeGreaterThan(80);
    expect(await widest('-o', 'wide')).toBeGreaterThan(80);
  });
});

describe('--no-trunc', () => {
  it.each([
    ...['list -a', 'run box --image host -- true', 'top box', 'image list', 'image history tool'],
    ...['pool list', 'pool status', 'pool leases', 'config list', 'context list', 'system df -v'],
  ])('%s shows everything on a terminal, too', async (line) => {
    const words = [...line.split(' ').slice(0, 2), '--no-color', '--no-trunc', ...line.split(' ').slice(2)];
    expect((await fsb(words, { tty: true })).stdout).toBe((await fsb(words)).stdout);
  });

  it('shows whole ids', async () => {
    expect((await fsb(['run', 'box', '--no-trunc', '--image', 'host'])).stdout).toMatch(/\b[0-9a-z]{32}\b/);
  });
});

describe('errors for programs', () => {
  it.each([
    ['list --bogus -o json', 2],
    ['list --last x -o json', 2],
    ['list -f a=b --json', 2],
    ['list -aojson -l =', 2],
    ['list --format json -l =', 2],
    ['list --format=json unexpected', 2],
    ['list -o json --sort-by nope', 2],
    ['get -o json', 2],
    ['get nobody -o=json', 3],
    ['get nobody --json', 3],
    ['get NOBODY -qo json', 2],
    ['delete nobody --output json', 3],
    ['nope -o json', 2],
    ['-o json nope', 2],
    ['pool nope --json', 2],
    ['--bogus -o json', 2],
    ['image save --json', 2],
    ['run box --json --image', 2],
    ['exec -o json', 2],
  ])('%s: one object, exit code %i', async (line, exit) => {
    const { code, stderr } = await fsb(line.split(' '));
    expect(code).toBe(exit);
    const { error } = JSON.parse(stderr) as { error: Record<string, string> };
    expect(error).toEqual({
      code: expect.stringMatching(/^[a-z_]+$/),
      message: expect.any(String),
      hint: expect.any(String),
    });
  });

  it('tell that the core cannot be reached, too', async () => {
    const { code, stdout, stderr } = await fsb(['list', '-o', 'json'], { core: undefined });
    expect([code, stdout, JSON.parse(stderr).error.code]).toEqual([6, '', 'unavailable']);
  });

  const flags: FlagArities = {
    output: { type: 'option', char: 'o', aliases: ['format'] },
    quiet: { type: 'boolean', char: 'q' },
    json: { type: 'boolean' },
    env: { type: 'option', char: 'e' },
  };

  it.each([
    ['-e o=json', false],
    ['-eo=json', false],
    ['--env --json', false],
    ['-- --json', false],
    ['-o yaml json', false],
    ['--output=yaml', false],
    ['-qojson', true],
    ['-qo=json', true],
    ['-q -o json', true],
    ['--format json', true],
  ])('%s asks for JSON: %s', (line, wanted) => {
    expect(wantsJson(line.split(' '), flags)).toBe(wanted);
  });
});
