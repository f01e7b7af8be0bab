import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';

/** `inspect` of a name that docker has for containers and images alike. */

let core: HostCore;
const fsb = (line: string) => runCommandLine(line.split(' '), { core });

beforeEach(async () => {
  core = hostCore(['host', 'tool', 'quay.io/me/tool:1']);
  for (const name of ['box', 'tool']) await fsb(`run ${name} --image host -q -- sleep 60`);
});

afterEach(() => core.close());

describe('inspect', () => {
  it.each([
    ['box', ['box']],
    ['tool', ['tool']],
    ['--type sandbox tool', ['tool']],
    ['--type=container box tool', ['box', 'tool']],
    ['host', [['host']]],
    ['--type image tool', [['tool']]],
    ['quay.io/me/tool:1', [['quay.io/me/tool:1']]],
    ['host box host', [['host'], 'box']],
  ])('%s shows %j', async (words, shown) => {
    const { code, stdout, stderr } = await fsb(`inspect ${words}`);
    expect([code, stderr]).toEqual([0, '']);
    const found: { name?: string; references?: string[] }[] = JSON.parse(stdout);
    expect(found.map(({ name, references }) => name ?? references)).toEqual(shown);
  });

  it('has both in every other form', async () => {
    expect((await fsb('inspect -f {{.Id}}|{{.Config.Env}} host')).stdout).toMatch(/^sha256:0+\|\["A=1"\]\n$/);
    expect((await fsb('inspect -q box host')).stdout).toBe('box\nhost\n');
    expect((await fsb('inspect -o table box host')).stdout).toMatch(/^Name: +box\n[\s\S]+\n\nNames: +host\n/);
  });

  it('has the directories of the node by docker`s names', async () => {
    await fsb('run mounted --image host -q -v /etc:/mnt/etc -v /srv:/srv:rw -- sleep 60');
    const format =
      '{{len .Mounts}}{{range .Mounts}}|{{.Type}},{{.Source}},{{.Destination}},{{.Mode}},{{.RW}}{{end}}';
    const words = ['inspect', '-f', format, 'mounted', 'box'];
    expect((await runCommandLine(words, { core })).stdout).toBe(
      '2|bind,/etc,/mnt/etc,ro,false|bind,/srv,/srv,rw,true\n0\n',
    );
    expect(await fsb('inspect -f {{.State.Pid}} box')).toMatchObject({
      code: 2,
      stderr:
        'Error: there is no field "Pid"\nHint: There is none: what runs in a sandbox is shown by: fsb-ctl top NAME\n',
    });
  });

  it.each([
    ['nobody', 3, /^Error: .*sandbox nobody.*, and image nobody is not here\nHint: See what there is with: /],
    ['bxo', 3, /^Error: .*sandbox bxo.*, and image bxo is not here\n/],
    ['--type image box', 3, /^Error: image box is not here\n/],
    ['--type container host', 3, /^Error: (?!.*image).*sandbox host/],
    ['alpine:3', 3, /^Error: image alpine:3 is not here\n/],
    ['No_Name', 2, /^Error: invalid sandbox name "No_Name"\n/],
    ['UPPER:1', 2, /^Error: invalid image name "UPPER:1"/],
    ['--type network box', 2, /sandbox, container, image/],
  ])('%s fails with %i', async (words, code, text) => {
    const failed = await fsb(`inspect ${words}`);
    expect([failed.code, failed.stderr]).toEqual([code, expect.stringMatching(text)]);
  });

  it('shows those that are there when others are not', async () => {
    const { code, stdout } = await fsb('inspect nobody box alpine:3 host');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toHaveLength(2);
  });
});
