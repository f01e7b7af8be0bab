import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sideBySide } from '../../src/cli/output/side-by-side.ts';
import type { Outcome } from '../helpers/cli/cli-root.ts';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { keys } from '../helpers/cli/terminal-session.ts';

/** `cp` with the production binary, against a real sandbox. */

let shell: Shell;
beforeAll(async () => {
  shell = await makeShell();
  await shell.succeed('fsb-ctl run box --image host -- sleep 100000');
});
afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

const sources = 'rm -rf s; mkdir -p s/d; echo hi > s/f; echo x > s/d/x; ln -s f s/l; ln -s d s/ld';
const targets = `rm -rf t; mkdir -p t/dir t/taken/f t/other; echo old > t/file; echo old > t/other/d
  ln -s dir t/link; ln -s new t/dangling`;

/** What is copied, where to, and what holds at the destination then, or the exit code. */
const cases: [flags: string, source: string, target: string, result: string | number][] = [
  ['', 'f', 'new', 'test "$(cat new)" = hi'],
  ['', 'f', 'dir', 'test "$(cat dir/f)" = hi'],
  ['', 'f', 'dir/', 'test "$(cat dir/f)" = hi'],
  ['', 'f', 'file', 'test "$(cat file)" = hi'],
  ['', 'f', 'new/', 3],
  ['', 'f', 'no/such', 3],
  ['', 'f', 'link', 'test -L link && test "$(cat dir/f)" = hi'],
  ['', 'f', 'dangling', 'test -L dangling && test "$(cat new)" = hi'],
  ['', 'f', 'taken', 4],
  ['', 'f/', 'new', 4],
  ['', 'nope', 'new', 3],
  ['', 'd', 'new', 'test "$(find new)" = "$(printf "new\\nnew/x")"'],
  ['', 'd', 'new/', 'test -f new/x'],
  ['', 'd', 'dir', 'test -f dir/d/x'],
  ['', 'd/', 'dir', 'test -f dir/d/x'],
  ['', 'd/.', 'dir', 'test -f dir/x && ! test -e dir/d'],
  ['', 'd/.', 'new', 'test -f new/x'],
  ['', 'd', 'file', 4],
  ['', 'd', 'other', 4],
  ['', 'd', 'link', 'test -f dir/d/x'],
  ['', 'l', 'new', 'test "$(readlink new)" = f'],
  ['', 'ld', 'dir', 'test "$(readlink dir/ld)" = d'],
  ['', 'ld/', 'new', 'test -f new/x && ! test -L new'],
  ['-L', 'l', 'new', 'test "$(cat new)" = hi && ! test -L new'],
  ['-L', 'ld', 'dir', 'test -f dir/ld/x && ! test -L dir/ld'],
];

const inBox = (script: string): string => `fsb-ctl exec -i box sh <<'END'\n${script}\nEND\n`;

/** Every case has targets of its own, so that they can be copied side by side, and looked at together. */
const each = (line: (index: number) => string): string => cases.map((_, index) => line(index)).join('\n');
const allTargets = each((index) => `mkdir ${index}; cd ${index}; ${targets}; cd ..`);
const allResults = each((index) => {
  const result = cases[index]![3];
  return typeof result === 'string' ? `(cd ${index}/t && ${result}) && echo ${index}` : `echo ${index}`;
});

async function copyAll(copy: (index: number, flags: string, source: string, target: string) => string) {
  const outcomes: Outcome[] = [];
  for await (const { item, result, error } of sideBySide([...cases.keys()], (index) => {
    const [flags, source, target] = cases[index]!;
    return shell.run(copy(index, flags, source, target));
  })) {
    if (error) throw error;
    outcomes[item] = result!;
  }
  return outcomes;
}

describe('into a sandbox', () => {
  let outcomes: Outcome[];
  let good: string[];
  beforeAll(async () => {
    await shell.succeed(`${sources}; ${inBox(`mkdir /into; cd /into; ${allTargets}`)}`);
    outcomes = await copyAll((i, flags, from, to) => `fsb-ctl cp ${flags} s/${from} box:/into/${i}/t/${to}`);
    good = (await shell.succeed(inBox(`cd /into; ${allResults}; true`))).split('\n');
  });

  it.each(cases.map((each, index) => [...each, index] as const))('cp %s %s %s', (...row) => {
    const [, , target, result, index] = row;
    const { code, stderr, stdout } = outcomes[index]!;
    expect({ code, stdout }).toEqual({ code: typeof result === 'number' ? result : 0, stdout: '' });
    if (typeof result === 'number') expect(stderr).toMatch(/^Error: cannot|^Error: box: cannot/);
    else
      expect(stderr).toMatch(new RegExp(`^Successfully copied \\S+B to box:/into/${index}/t/${target}\\n$`));
    expect(good).toContain(`${index}`);
  });
});

describe('out of a sandbox', () => {
  let outcomes: Outcome[];
  let good: string[];
  beforeAll(async () => {
    await shell.succeed(`${inBox(`cd /; ${sources}`)}mkdir out; cd out; ${allTargets}`);
    outcomes = await copyAll((i, flags, from, to) => `fsb-ctl cp -q ${flags} box:s/${from} out/${i}/t/${to}`);
    good = (await shell.succeed(`cd out; ${allResults}; cd ..; rm -r out`)).split('\n');
  });

  it.each(cases.map((each, index) => [...each, index] as const))('cp %s %s %s', (...row) => {
    const [, , , result, index] = row;
    const { code, stdout } = outcomes[index]!;
    expect({ code, stdout }).toEqual({ code: typeof result === 'number' ? result : 0, stdout: '' });
    expect(good).toContain(`${index}`);
  });
});

describe('a tar', () => {
  it('goes in and comes out as tar makes it', async () => {
    await shell.succeed(`${sources}; tar c s | fsb-ctl cp - box:/srv; tar cz s | fsb-ctl cp - box:/mnt`);
    await shell.succeed(`rm -rf one two; mkdir one two
      fsb-ctl cp box:/srv/s - | tar x -C one; fsb-ctl exec box tar c -C /mnt s | tar x -C two
      diff -r --no-dereference s one/s; diff -r --no-dereference s two/s`);
    expect(await shell.run('fsb-ctl cp box:/srv/nope - | wc -c')).toMatchObject({ stdout: '0\n' });
    expect(await shell.run('echo no tar at all | fsb-ctl cp - box:/srv')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot read the archive'),
    });
    expect(await shell.run('tar c s | fsb-ctl cp - box:/nowhere')).toMatchObject({ code: 3 });
    expect(await shell.run('tar c s | fsb-ctl cp - box:/etc/passwd')).toMatchObject({ code: 4 });
  });
});

describe('owners', () => {
  it('are root inside and you here, unless they are to be kept', async () => {
    const owner = (path: string) => shell.succeed(`fsb-ctl exec box stat -c %u:%g:%a ${path}`);
    await shell.succeed('echo x > owned; chown 1234:5678 owned; chmod 4750 owned');
    await shell.succeed('fsb-ctl cp owned box:/srv/plain; fsb-ctl cp -a owned box:/srv/kept');
    expect([await owner('/srv/plain'), await owner('/srv/kept')]).toEqual(['0:0:4750\n', '1234:5678:4750\n']);
    await shell.succeed('rm -f a b; fsb-ctl cp box:/srv/kept a; fsb-ctl cp -a box:/srv/kept b');
    expect(await shell.succeed('stat -c %u:%g:%a a b')).toBe(
      `${process.getuid!()}:${process.getgid!()}:750\n1234:5678:4750\n`,
    );
  });
});

describe('what makes no sense', () => {
  it.each([
    ['a b', 2, /neither side is in a sandbox/],
    ['box:/a box:/b', 2, /from a sandbox to a sandbox/],
    ['nobody:/a b', 3, /nobody does not exist/],
    ['nofile box:/srv', 3, /no such file.*\nHint: .* ls -a \/.+\n$/],
    ['box:/nodir/x .', 3, /no such file.*\nHint: .*fsb-ctl exec box ls -a \/nodir\n$/],
    ['/etc/hostname box:/nodir/x', 3, /to box:\/nodir: .*\nHint: .*fsb-ctl exec box mkdir -p \/nodir\n$/],
    ['Box:/a b', 2, /invalid sandbox name/],
    [
      'box:/proc/cpuinfo x',
      1,
      /kernel makes up .*\nHint: Read it with: fsb-ctl exec box cat .proc.cpuinfo\n/,
    ],
    ['owned', 2, /DESTINATION/],
    ["owned box:$'/srv/a\\xffb'", 2, /the path box:\/srv\/a.b has bytes that are no UTF-8\nHint: /],
    ["box:/etc/hostname $'\\xff'", 2, /has bytes that are no UTF-8/],
    ['box:/dev/null x', 4, /cannot copy box:\/dev\/null: that is a device\nHint: /],
    ['<(echo hi) box:/srv/x', 4, /cannot copy \/dev\/fd\/\d+: that is a fifo\nHint: .*exec -i/],
    ['/etc/hostname box:/dev/null', 4, /cannot copy to box:\/dev\/null: that is a device\nHint: /],
  ])('cp %s', async (words, code, text) => {
    const outcome = await shell.run(`fsb-ctl cp ${words}`);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(text);
  });

  it('with a sandbox that never ran, or is paused', async () => {
    await shell.run('fsb-ctl run never --image host -- no-such-command');
    const never = await shell.run('fsb-ctl cp never:/etc/passwd x');
    expect(never).toMatchObject({ code: 4, stdout: '' });
    expect(never.stderr).toMatch(/^Error: .*never has ended, and has no files\nHint: .*fsb-ctl get NAME\n$/);
    await shell.succeed(
      'fsb-ctl delete never; fsb-ctl run still --image host -- sleep 1000; fsb-ctl pause still',
    );
    const paused = await shell.run('fsb-ctl cp still:/etc/passwd x');
    expect(paused).toMatchObject({ code: 4, stdout: '' });
    expect(paused.stderr).toMatch(/^Error: .*still is paused\nHint: .*fsb-ctl unpause still\n$/);
    await shell.succeed('fsb-ctl delete still');
  });
});

describe('a sandbox that has ended', () => {
  const run = `fsb-ctl run gone --image host -- sh -c 'test -e /in/f && exec sleep 1000
    mkdir -p /out/d; echo made > /out/d/x; head -c 3000000 /dev/zero > /out/big; exit 3'; fsb-ctl wait gone`;
  const seen = (): Promise<string> => shell.succeed('fsb-ctl get gone -o json; fsb-ctl logs gone');
  beforeAll(() => shell.succeed(`${run} | grep -x 3; ${sources}`));
  afterAll(() => shell.succeed('fsb-ctl delete gone; rm -rf fetched*'));

  it('is copied from and to, and stays what it was', async () => {
    const before = await seen();
    await shell.succeed(`fsb-ctl cp gone:/out fetched; test "$(cat fetched/d/x)" = made
      test "$(stat -c %s fetched/big)" = 3000000
      fsb-ctl cp -q s gone:/in; fsb-ctl cp gone:/in - | tar x; diff -r --no-dereference s in; rm -r in`);
    expect(await shell.run('fsb-ctl cp gone:/nope x')).toMatchObject({ code: 3 });
    expect(await shell.run('fsb-ctl cp s gone:/out/big')).toMatchObject({ code: 4 });
    expect(await seen()).toBe(before);
  });

  onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').it(
    'is copied from and to at the same time, from one place in it to another',
    async () => {
      await shell.succeed(`fsb-ctl cp gone:/out - | fsb-ctl cp -q - gone:/srv
      fsb-ctl cp gone:/srv/out/big fetched-big; cmp fetched/big fetched-big`);
    },
  );

  it.each(['top gone', 'exec gone true', 'port-forward gone 80'])('still does not %s', async (words) => {
    const { code, stderr } = await shell.run(`fsb-ctl ${words}`);
    expect([code, stderr]).toEqual([4, expect.stringMatching(/gone.* not running|gone.*not Running/i)]);
  });

  /** A copy that goes on until it is ended, once it has begun; and how it ends. */
  const copying = async (source: string, target: string) => {
    const child = shell.cli.start(['cp', source, target]);
    let stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = once(child, 'close').then(([code]) => ({ code, stderr }));
    child.stdin!.on('error', () => {}).write(await readFile(join(shell.home, 'half.tar')));
    if (target === '-') await once(child.stdout!, 'readable');
    else await shell.succeed(`until fsb-ctl cp ${target}/half - > half; do :; done`);
    return async () => {
      child.stdout!.resume();
      return ended;
    };
  };

  onlyOver(['unix', 'tls'], 'an embedded core ends with its command').it(
    'keeps its files when the core is killed while they are copied, and can be copied from again',
    async () => {
      await shell.succeed('head -c 500000 /dev/zero > half; tar c half | head -c 300000 > half.tar');
      for (const [source, target] of [
        ['-', 'gone:/srv'],
        ['gone:/', '-'],
      ] as const) {
        const end = await copying(source, target);
        await shell.cli.killCore();
        expect(await end()).toMatchObject({ code: 125 });
        await shell.succeed('rm -f fetched-x; fsb-ctl cp gone:/out/d/x fetched-x; grep -qx made fetched-x');
      }
    },
  );

  onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').it(
    'is deleted while it is copied from, which tells',
    async () => {
      await shell.succeed(`${run.replaceAll('gone', 'leaving')} | grep -x 3`);
      const end = await copying('leaving:/', '-');
      await shell.succeed('fsb-ctl delete leaving');
      expect(await end()).toEqual({
        code: 4,
        stderr: expect.stringContaining('deleted or reset meanwhile'),
      });
    },
  );

  it('runs again with what was copied into it, and is copied from once it is stopped', async () => {
    await shell.succeed(`fsb-ctl start gone; fsb-ctl exec gone grep -qx hi /in/f; fsb-ctl stop gone
      fsb-ctl cp gone:/in/f fetched-f; grep -qx hi fetched-f`);
  });
});

describe('much', () => {
  /** Runs a command line and tells the most memory that it had, in KiB. */
  const measured = async (line: string): Promise<number> =>
    Number(
      await shell.succeed(
        `python3 -c 'import resource,subprocess,sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' ${line}`,
      ),
    );

  it('is copied in little memory: one large file', { timeout: 240_000 }, async () => {
    await shell.succeed('head -c 200000000 /dev/urandom > large');
    expect(await measured('fsb-ctl cp large box:/srv/large')).toBeLessThan(250_000);
    expect(await measured('fsb-ctl cp box:/srv/large back')).toBeLessThan(250_000);
    await shell.succeed('cmp large back; rm large back; fsb-ctl exec box rm /srv/large');
  });

  it('is copied in little memory: many small files', { timeout: 240_000 }, async () => {
    await shell.succeed(`mkdir many && cd many && seq 5000 | split -l 1 -a 4 - f`);
    expect(await measured('fsb-ctl cp many box:/srv')).toBeLessThan(250_000);
    expect(await measured('fsb-ctl cp box:/srv/many back')).toBeLessThan(250_000);
    await shell.succeed('diff -r many back; rm -r many back; fsb-ctl exec box rm -r /srv/many');
  });
});

onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').describe(
  'a copy that is ended in the middle',
  () => {
    beforeAll(() => shell.succeed('truncate -s 50G endless'));

    // Those that top leaves out.
    const tools = (): Promise<string> =>
      shell.succeed(`fsb-ctl exec box sh -c 'cat /proc/[0-9]*/cmdline' | grep -a tar- || true`);
    const until = async (there: boolean): Promise<void> => {
      while (((await tools()) !== '') !== there) await new Promise((resolve) => setTimeout(resolve, 50));
    };

    it('by ctrl-C leaves no process inside, and a terminal as it was', async () => {
      const session = shell.open('fsb-ctl cp endless box:/srv/endless');
      await session.sees(/Copying \.\.\. /);
      await until(true);
      session.type(keys.ctrlC);
      expect(await session.end()).toEqual({ code: 130, restored: true });
      await until(false);
    });

    it('by SIGKILL leaves none either', async () => {
      for (const words of [
        [join(shell.home, 'endless'), 'box:/srv/endless'],
        ['box:/', join(shell.home, 'out')],
      ]) {
        const child = shell.cli.start(['cp', ...words]);
        await until(true);
        child.kill('SIGKILL');
        await once(child, 'close');
        await until(false);
      }
      await shell.succeed('rm -rf out endless; fsb-ctl exec box rm -f /srv/endless');
    });
  },
);
