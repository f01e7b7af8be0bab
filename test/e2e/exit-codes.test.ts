import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { repository } from '../helpers/core/real-core.ts';

/** Every exit code that a script may meet, by the real binary on one core. */

const OTHER_USER = 'setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent';
/** A checkout in the home of somebody cannot be run by another one. */
const othersMayRun =
  process.getuid?.() === 0 &&
  spawnSync('bash', ['-c', `${OTHER_USER} ${join(repository, 'bin/run.js')} version --client`]).status === 0;

/** `box` runs, `old` has ended, pool `tiny` has nothing ready, and boots nothing for anybody. */
const given = [
  'pool create tiny --warm host=0 --max 1 --on-empty fail',
  'run box --image host -- sleep 1000',
  'run old --image host -- true',
  'wait old',
];

const table: [code: number, why: string, line: string][] = [
  [0, 'done', 'fsb-ctl list'],
  [0, 'the command ended with 0', 'fsb-ctl run a --rm --image host -- true'],
  [42, 'its own code', "fsb-ctl run a --rm --image host -- sh -c 'exit 42'"],
  [42, 'its own code', "fsb-ctl exec box sh -c 'exit 42'"],
  [42, 'its own code', "fsb-ctl pool run sh -c 'exit 42'"],
  [1, 'it cannot be written', 'fsb-ctl list >/dev/full'],
  [2, 'no such command', 'fsb-ctl nonsense'],
  [2, 'no such flag', 'fsb-ctl list --nonsense'],
  [2, 'an argument is missing', 'fsb-ctl get'],
  [2, 'nothing can be done to that', 'fsb-ctl image save host -o host.tar'],
  [2, 'a wrong argument', 'fsb-ctl run a --image host --memory much -- true'],
  [
    2,
    'a wrong configuration',
    'mkdir -p .fsb; echo "{" > .fsb/config.json; fsb-ctl list; c=$?; rm .fsb/config.json; exit $c',
  ],
  [3, 'no such sandbox', 'fsb-ctl logs nobody'],
  [3, 'no such pool', 'fsb-ctl pool get nobody'],
  [3, 'no such image', 'fsb-ctl image inspect nobody'],
  [3, 'no such context', 'fsb-ctl --context nobody list'],
  [4, 'there already', 'fsb-ctl run box --image host -- true'],
  [4, 'its state forbids it', 'fsb-ctl exec old true'],
  [5, 'no room', 'fsb-ctl run a --pool tiny --image host -- true'],
  [6, 'no core', 'fsb-ctl --host unix://$PWD/nothing.sock list'],
  [6, 'no core, and none may start', 'FSB_HOST= FSB_ROOT=$PWD/none FSB_NO_AUTOSTART=1 fsb-ctl list'],
  [
    7,
    'a file that is not ours to write',
    'mkdir -p p/.git p/.fsb; ln -sf /etc/fsb.json p/.fsb/config.json; cd p; fsb-ctl config set --project pool ci',
  ],
  [124, 'out of time', 'fsb-ctl wait box --timeout 100ms'],
  [124, 'out of time', 'fsb-ctl exec --timeout 100ms box sleep 60'],
  [125, 'the core did not get it to run', 'fsb-ctl run a --image host -v /etc/passwd:/proc/self:rw -- true'],
  [126, 'no program', 'fsb-ctl exec box /etc/passwd'],
  [126, 'no program', 'fsb-ctl run a --rm --image host -- /etc/passwd'],
  [127, 'no such program', 'fsb-ctl exec box no-such-program'],
  [127, 'no such program', 'fsb-ctl run a --rm --image host -- no-such-program'],
  [130, 'interrupted', 'timeout --preserve-status -s INT 2 fsb-ctl wait box'],
  [137, '128+n: its command was killed', "fsb-ctl exec box sh -c 'kill -KILL $$'"],
  [143, '128+n: its command was ended', "fsb-ctl run a --rm --image host -- sh -c 'kill -TERM $$'"],
  [138, '128+n: it was ended itself', 'timeout --preserve-status -s USR1 2 fsb-ctl wait box'],
  [143, '128+n: it was ended itself', 'timeout --preserve-status -s TERM 2 fsb-ctl wait box'],
  [3, 'the worst of several', 'fsb-ctl get box nobody'],
  [4, 'the worst of several', 'fsb-ctl delete nobody; fsb-ctl pause nobody old box'],
];
/** Of these the command itself has failed, which it says. */
const failures = [1, 2, 3, 4, 5, 6, 7, 124, 125, 126, 127];

let shell: Shell;

beforeAll(async () => {
  shell = await makeShell();
  for (const line of given) await shell.succeed(`fsb-ctl ${line}`);
});

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

describe('the exit code', () => {
  it.each(table)('%i: %s: %s', async (code, _, line) => {
    const outcome = await shell.run(line);
    expect(outcome).toMatchObject({ code });
    if (failures.includes(code)) expect(outcome.stderr).toMatch(/^Error: .+/m);
    await shell.run('fsb-ctl delete -f a; fsb-ctl unpause box');
  });

  onlyOver(['unix'], 'users of one machine').it.runIf(othersMayRun)(
    '7: another user may not call the core, neither by its socket nor by TCP',
    async () => {
      await shell.succeed('fsb-ctl daemon restart -q --grpc 127.0.0.1:0');
      const { endpoint, grpc } = JSON.parse(await shell.succeed('fsb-ctl daemon status --json'));
      expect(grpc).toMatch(/^tcp:/);
      for (const host of [endpoint, grpc])
        expect(await shell.run(`${OTHER_USER} $(readlink -f bin/fsb-ctl) --host ${host} list`)).toMatchObject(
          {
            code: 7,
            stdout: '',
            stderr: expect.stringMatching(/^Error: .*\nHint: Run the command as /),
          },
        );
    },
  );

  it('is one of those that the README has, each of which is here', async () => {
    const readme = await readFile(join(repository, 'README.md'), 'utf8');
    const rows = readme.split('| exit code | meaning |\n')[1]!.split('\n\n')[0]!;
    const known = [...rows.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, codes]) => codes!.split(', '));
    const tried = table.map(([code]) => (code > 130 ? '128+n' : code === 42 ? 'other' : String(code)));
    expect([...new Set(tried)].sort()).toEqual(known.sort());
  });
});
