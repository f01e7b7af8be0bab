import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';

/** Signals, streams and exit codes of what is attached, as a script meets them: no terminal anywhere. */

let shell: Shell;

beforeAll(async () => {
  shell = await makeShell();
});

/** Those that must have nothing of others beside them. */
const afresh = async (): Promise<void> => {
  await shell.succeed('fsb-ctl delete --all -f');
  await shell.succeed('fsb-ctl run box --image host -- sleep 1000');
};

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

const forgetJob = async (): Promise<void> => void (await shell.succeed('fsb-ctl delete -f job'));

const names = async (): Promise<string[]> =>
  (await shell.succeed('fsb-ctl list -a -q')).split('\n').filter((name) => name !== '');

/** Every way to be with a command to its end. */
const ways: Record<string, (command: string) => string> = {
  'run -a': (command) => `fsb-ctl run job -a --image host -- ${command}`,
  'run --rm': (command) => `fsb-ctl run job --rm --image host -- ${command}`,
  exec: (command) => `fsb-ctl exec box ${command}`,
  'pool run': (command) => `fsb-ctl pool run --image host ${command}`,
};

/** Where it makes a sandbox, that has a name that no other has: nothing must be removed for the next one. */
let made = 0;
const ownJob = (line: string): string => line.replace(' job ', ` job${made++} `);

describe.each(Object.keys(ways))('the exit code of %s', (way) => {
  beforeAll(afresh);

  it.each([
    ['true', 0],
    [`sh -c 'exit 1'`, 1],
    [`sh -c 'exit 124'`, 124],
    [`sh -c 'exit 255'`, 255],
    [`sh -c 'kill -TERM $$'`, 143],
    [`sh -c 'kill -KILL $$'`, 137],
    [`sh -c 'kill -SEGV $$'`, 139],
    ['/etc/passwd', 126],
    ['/etc', 126],
    ['no-such-program', 127],
    ['/no/such/program', 127],
  ])('of %s is %d', async (command, code) => {
    const { code: given, stdout, stderr } = await shell.run(ownJob(ways[way]!(command)));
    expect({ given, stdout }).toEqual({ given: code, stdout: '' });
    if (command.startsWith('/') || command.startsWith('no-')) expect(stderr).toMatch(/^Error: /);
    else expect(stderr).toBe('');
  });
});

describe('with a sandbox that stays as it is', () => {
  beforeAll(afresh);

  it.concurrent.each(
    ['logs -f box', 'wait box', 'events', 'exec --no-sig-proxy box sleep 50', 'pool status -w'].flatMap(
      (line) => [[line, 'SIGINT', 130] as const, [line, 'SIGTERM', 143] as const],
    ),
  )('a signal interrupts without a word: %s, %s: %d', async (line, signal, code) => {
    const interruptedAfter = async (ms: number): Promise<unknown> => {
      const running = shell.start(`fsb-ctl ${line}`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      running.signal(signal);
      const end = await running.end();
      // One that has not begun by then ends in the system's way.
      return end === signal && ms < 8_000 ? interruptedAfter(2 * ms) : [end, running.stderr];
    };
    expect(await interruptedAfter(1_500)).toEqual([code, '']);
  });

  it.each([
    'fsb-ctl exec box echo $x',
    'fsb-ctl run l$x --rm --image host -- echo $x',
    'fsb-ctl pool run echo $x',
    'fsb-ctl list -q | sed s/.*/$x/',
    'fsb-ctl exec -d box true; echo $x',
    'fsb-ctl run l$x -q --image host -- true >/dev/null; fsb-ctl wait l$x >/dev/null; echo $x',
    'fsb-ctl cp /etc/hostname box:/tmp/; echo $x',
    'fsb-ctl delete -f nobody; echo $x',
    'fsb-ctl logs box; fsb-ctl get box >/dev/null; echo $x',
    'fsb-ctl exec --timeout 200ms box sleep 9 2>/dev/null; echo $x',
  ])('standard input is not read without -i: %s', async (line) => {
    expect(await shell.succeed(`seq 2 | while read x; do ${line}; done`)).toBe('1\n2\n');
  });
});

describe('output', () => {
  beforeAll(async () => {
    await afresh();
    await shell.succeed(
      `fsb-ctl run talker --image host -- sh -c 'seq 100000; while :; do echo more; sleep 0.05; done'`,
    );
  });

  it.each([
    ...Object.values(ways).map((way) => ownJob(way('yes'))),
    'fsb-ctl logs -f talker',
    'fsb-ctl logs talker',
    'fsb-ctl list -a',
    'fsb-ctl get box',
    'fsb-ctl run --help',
    'fsb-ctl cp box:/usr/bin -',
    'fsb-ctl attach talker',
  ])('whose reader goes ends without a word: %s | head -1', endsWithoutAWord);

  onlyOver(['unix', 'tls'], 'an embedded core has no past that events could tell').it.each([
    'fsb-ctl events --all --after 0',
  ])('whose reader goes ends without a word: %s | head -1', endsWithoutAWord);

  it('whose reader goes is a broken pipe for the command of exec, as it is for one here', async () => {
    expect(await shell.succeed(`fsb-ctl exec box sh -c 'yes | cat' | head -1`)).toBe('y\n');
    await expect.poll(() => shell.succeed('fsb-ctl top box')).not.toMatch(/yes|cat/);
  });

  it.each([
    'fsb-ctl list',
    'fsb-ctl --version',
    'fsb-ctl run --help',
    ways.exec!('seq 100000'),
    'fsb-ctl logs talker',
  ])('that cannot be written is a failure: %s > /dev/full', async (line) => {
    const { code, stderr } = await shell.run(`${line} >/dev/full`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: cannot write the output: no space left on device\n/);
  });

  async function endsWithoutAWord(line: string): Promise<void> {
    const { code, stdout, stderr } = await shell.run(`${line} | head -1 | wc -l; exit \${PIPESTATUS[0]}`);
    expect({ stdout, stderr }).toEqual({ stdout: '1\n', stderr: '' });
    expect([0, 141]).toContain(code);
  }
});

/** What is done in it leaves nothing there. */
describe('with one sandbox for all', () => {
  beforeAll(afresh);
  afterEach(forgetJob);

  describe('standard input', () => {
    it.each(Object.keys(ways))('ends as a half-close: %s -i', async (way) => {
      const line = ways[way]!(`sh -c 'cat; sleep 0.2; echo after'`).replace(/--image|box/, '-i $&');
      expect(await shell.run(`echo in | ${line}`)).toEqual({ code: 0, stdout: 'in\nafter\n', stderr: '' });
      if (way === 'run -a') await forgetJob();
      expect((await shell.run(`${line} </dev/null`)).stdout).toBe('after\n');
      if (way === 'run -a') await forgetJob();
      const closed = await shell.run(`${line} <&-`);
      expect(closed).toEqual({ code: 0, stdout: 'after\n', stderr: '' });
    });

    it.each(Object.keys(ways))('goes through whole, and back: %s -i', async (way) => {
      const line = ways[way]!('cat').replace(/--image|box/, '-i $&');
      await shell.succeed('head -c 5000000 /dev/urandom > all');
      expect(await shell.run(`${line} <all | cmp - all`)).toEqual({ code: 0, stdout: '', stderr: '' });
    });

    it.each(Object.keys(ways))('that nobody ends does not keep it: %s -i', async (way) => {
      const running = shell.start(ways[way]!('true').replace(/--image|box/, '-i $&'));
      expect(await running.end()).toBe(0);
    });
  });

  it.each(Object.keys(ways))('output is drained before the end, also by a slow reader: %s', async (way) => {
    const line = ways[way]!(`sh -c 'seq 300000; seq 100000 >&2; exit 5'`);
    const out = await shell.run(`(${line} 2>err; echo $? >code) | (sleep 1; md5sum); wc -l <err; cat code`);
    expect(out.stdout).toBe(`${await shell.succeed('seq 300000 | md5sum')}100000\n5\n`);
  });

  describe('-t without a terminal', () => {
    it.each([
      'run x -t --image host -- true',
      'run x -it --rm --image host -- true',
      'exec -it box touch /tmp/made',
      'pool run -t --image host true',
    ])('fails before anything is made: %s', async (line) => {
      expect(await shell.run(`fsb-ctl ${line} </dev/null`)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(/^Error: -t needs a terminal.*\nHint: /),
      });
      expect(await names()).toEqual(['box']);
      expect((await shell.run('fsb-ctl exec box test -e /tmp/made')).code).toBe(1);
    });

    it('is fine with -d: the command has one that nobody looks at', async () => {
      await shell.succeed('fsb-ctl run x -dt --image host -- sh -c "test -t 1 && echo yes" </dev/null');
      await shell.succeed('fsb-ctl wait x');
      expect(await shell.succeed('fsb-ctl logs x')).toMatch(/^yes\r?\n$/);
    });
  });

  it('a command that is a loop of links is there, and cannot be executed, by its path and on the PATH', async () => {
    await shell.succeed('fsb-ctl exec box ln -s loop /tmp/loop');
    for (const words of ['box /tmp/loop', '-e PATH=/tmp:/usr/bin box loop']) {
      const { code, stderr } = await shell.run(`fsb-ctl exec ${words}`);
      const why = expect.stringContaining('too many symbolic links');
      expect({ words, code, stderr }).toEqual({ words, code: 126, stderr: why });
    }
  });

  describe('signals', () => {
    const kinds = ['INT', 'TERM', 'HUP', 'QUIT', 'USR1', 'USR2'] as const;
    /** Tells which signals came; leaves when it has seen all six. Not in bash, whose traps lose some that come close together. */
    const listener = `perl -e '$|=1; for my $s (qw(${kinds.join(' ')})) { $SIG{$s}=sub{print "got $s\\n"; $n++} } print "up\\n"; while ($n<6) { sleep 1 } exit 9'`;

    it.each(Object.keys(ways))('reach the command, all of them: %s', async (way) => {
      const running = shell.start(ways[way]!(listener));
      await running.sees('up');
      for (const kind of kinds) {
        running.signal(`SIG${kind}`);
        await running.sees(`got ${kind}`);
      }
      expect(await running.end()).toBe(9);
    });

    it.each(Object.keys(ways))('stay here with --no-sig-proxy: %s', async (way) => {
      const line = ways[way]!(listener).replace(/--image|box/, '--no-sig-proxy $&');
      const running = shell.start(line);
      await running.sees('up');
      running.signal('SIGINT');
      expect(await running.end()).toBe(130);
      expect(running.stdout).toBe('up\n');
    });

    it.each([
      ['nohup', 'nohup'],
      ['a script that ignores it', `trap '' HUP;`],
    ])('a hangup is none under %s', async (_, ignoring) => {
      const command = `fsb-ctl exec -i box sh -c 'echo up; read word; echo $word'`;
      const hangUp = `exec 9>in; until grep up out; do sleep 0.1; done; kill -HUP $!; sleep 0.2; echo on >&9; wait $!`;
      const { code, stdout } = await shell.run(
        `rm -f in; mkfifo in; ${ignoring} ${command} <in >out & ${hangUp}; code=$?; cat out; exit $code`,
      );
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'up\nup\non\n' });
    });

    it.each(Object.keys(ways))('the third interrupt forces the way out: %s', async (way) => {
      const running = shell.start(
        ways[way]!(`perl -e '$|=1; $SIG{INT}=sub{print "no\\n"}; print "up\\n"; sleep 1 while 1'`),
      );
      await running.sees('up');
      running.signal('SIGINT');
      await running.sees('no');
      running.signal('SIGINT');
      await running.sees(/no\nno/);
      running.signal('SIGINT');
      expect(await running.end()).toBe(130);
    });
  });

  describe('logs', () => {
    const run = async (script: string): Promise<void> => {
      await shell.succeed(`fsb-ctl run job -q --image host -- sh -c '${script}'`);
    };

    it('each stream comes where it belongs, of an ended sandbox too, and from any of them', async () => {
      await run('for i in 1 2 3; do echo o$i; echo e$i >&2; done');
      await shell.succeed('fsb-ctl wait job');
      const all = { code: 0, stdout: 'o1\no2\no3\n', stderr: 'e1\ne2\ne3\n' };
      expect(await shell.run('fsb-ctl logs job')).toEqual(all);
      expect(await shell.run('fsb-ctl logs -f job')).toEqual(all);
      expect(await shell.run('fsb-ctl logs --stdout --stderr job')).toEqual(all);
      expect(await shell.run('fsb-ctl logs --stdout job')).toEqual({ ...all, stderr: '' });
      expect(await shell.run('fsb-ctl logs --stderr job')).toEqual({ ...all, stdout: '' });
      expect(await shell.run('fsb-ctl logs -n 0 job')).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(await shell.run('fsb-ctl logs --tail all job')).toEqual(all);
      expect(await shell.succeed('fsb-ctl logs -n 1 --stdout job')).toBe('o3\n');
      expect(await shell.succeed('fsb-ctl logs -t --stdout job')).toMatch(
        /^(\d{4}-\d\d-\d\dT\S+Z o\d\n){3}$/,
      );
    });

    it('times are RFC3339, durations or unix', async () => {
      await run('echo early; sleep 1.5; echo late; sleep 100');
      const follow = shell.start('fsb-ctl logs -f -t job');
      await follow.sees('late');
      follow.signal('SIGINT');
      await follow.end();
      const [early, late] = follow.stdout.split('\n').map((line) => Date.parse(line.split(' ')[0]!));
      const middle = new Date((early! + late!) / 2);
      for (const time of [middle.toISOString(), String(middle.getTime() / 1000)]) {
        expect(await shell.succeed(`fsb-ctl logs --since ${time} job`)).toBe('late\n');
        expect(await shell.succeed(`fsb-ctl logs --until ${time} job`)).toBe('early\n');
      }
      expect(await shell.succeed('fsb-ctl logs --since 1h job')).toBe('early\nlate\n');
      expect(await shell.succeed('fsb-ctl logs --until 1h job')).toBe('');
      expect(await shell.succeed('fsb-ctl logs --since 0s job')).toBe('');
    });

    onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').it.each([
      'kill job',
      'delete -f job',
      'stop -t 0 job',
    ])('-f ends when the sandbox has: %s', async (line) => {
      await run('echo up; exec sleep 1000');
      const follow = shell.start('fsb-ctl logs -f job');
      await follow.sees('up');
      await shell.succeed(`fsb-ctl ${line}`);
      expect([await follow.end(), follow.stdout, follow.stderr]).toEqual([0, 'up\n', '']);
    });

    onlyOver(['unix', 'tls'], 'an embedded core ends with its command').it(
      '-f goes on over the death of a core, and ends as if nothing had happened',
      async () => {
        await run('seq 5; until [ -e /tmp/go ]; do sleep 0.05; done; seq 6 10');
        const follow = shell.start('fsb-ctl logs -f job');
        await follow.sees('5');
        await shell.cli.killCore();
        await shell.succeed('fsb-ctl exec job touch /tmp/go');
        const all = Array.from({ length: 10 }, (_, n) => `${n + 1}\n`).join('');
        expect([await follow.end(), follow.stdout, follow.stderr]).toEqual([0, all, '']);
      },
    );
  });
});

onlyOver(['unix', 'tls'], 'one command at a time has an embedded core').describe(
  'with a sandbox of its own',
  () => {
    beforeEach(afresh);

    describe('attach and wait', () => {
      const waiting = (end: string): string =>
        `fsb-ctl run job -q --image host -- sh -c 'while [ ! -e /tmp/go ]; do echo .; sleep 0.1; done; ${end}'`;

      it.each([
        ['exit 7', 7],
        ['kill -USR2 $$', 140],
      ])('tell how it ended: %s', async (end, code) => {
        await shell.succeed(waiting(end));
        const attached = shell.start('fsb-ctl attach job');
        const waits = shell.start('fsb-ctl wait job box job -o json');
        await attached.sees('.');
        await shell.succeed('fsb-ctl exec job touch /tmp/go');
        expect(await attached.end()).toBe(code);
        await shell.succeed('fsb-ctl kill -s TERM box');
        expect(await waits.end()).toBe(0);
        const codes = JSON.parse(waits.stdout).map((row: { exit_code: number }) => row.exit_code);
        expect(codes).toEqual([code, 143, code]);
        expect(await shell.run('fsb-ctl wait job')).toEqual({ code: 0, stdout: `${code}\n`, stderr: '' });
      });

      it.each([
        ['its time is up', '--ttl 1s', 'sleep 60', 143],
        ['it is not there', '', 'no-such-program', 127],
        ['it is no program', '', '/etc/passwd', 126],
      ])('wait and get know the code that run told: %s', async (_, flags, command, code) => {
        expect((await shell.run(`fsb-ctl run job -a ${flags} --image host -- ${command}`)).code).toBe(code);
        expect(await shell.run('fsb-ctl wait job')).toEqual({ code: 0, stdout: `${code}\n`, stderr: '' });
        expect(await shell.succeed('fsb-ctl get job -o {{.exit_code}}')).toBe(`${code}\n`);
      });

      it('tell how it ended while it is deleted', async () => {
        const deaf = `sh -c 'trap "" TERM; echo up; while :; do sleep 0.1; done'`;
        const run = shell.start(`fsb-ctl run job -a --image host -- ${deaf}`);
        await run.sees('up');
        await shell.succeed('fsb-ctl delete --grace 5s --no-wait job');
        const wait = await shell.run('fsb-ctl wait job');
        expect([await run.end(), wait]).toEqual([137, { code: 0, stdout: '137\n', stderr: '' }]);
      });
    });

    it('attach and run go on over the death of a core, and end as if nothing had happened', async () => {
      const count =
        'i=0; until [ -e /tmp/go ]; do i=$((i+1)); echo $i; sleep 0.02; done; echo over >&2; exit 3';
      const image = `--image host -- sh -c '${count}'`;
      await shell.succeed(`fsb-ctl run job -q ${image}`);
      // Of what has had all of its input nothing is in doubt.
      const fed = image.replace(`'i=0`, `'cat; i=0`);
      const lines = [
        'attach job',
        `run kept -a ${image}`,
        `run gone --rm ${image}`,
        `run fed -i ${fed} <<< 0`,
      ];
      const joined = lines.map((line) => shell.start(`fsb-ctl ${line}`));
      for (const running of joined) await running.sees('\n');
      await shell.cli.killCore();
      for (const name of ['job', 'kept', 'gone', 'fed'])
        await shell.succeed(`fsb-ctl exec ${name} touch /tmp/go`);
      for (const running of joined) {
        expect([await running.end(), running.stderr]).toEqual([
          3,
          expect.stringMatching(/^(.*instance.*\n)?over\n$/),
        ]);
        const seen = running.stdout.trim().split('\n').map(Number);
        expect(seen).toEqual(seen.map((_, n) => seen[0]! + n));
      }
      const [attached, kept] = joined.map(({ stdout }) => stdout);
      expect(await shell.succeed('fsb-ctl logs job 2>&1')).toMatch(new RegExp(`${attached}over\n$`));
      expect(await shell.succeed('fsb-ctl logs kept 2>&1')).toBe(`${kept}over\n`);
      expect(await shell.succeed('fsb-ctl list -aq')).not.toContain('gone');
    });

    it('a lost connection is 125 with a reason, never a made up code; what follows ends with a reason, too', async () => {
      const talk = `sh -c 'echo up; exec sleep 600'`;
      await shell.succeed(`fsb-ctl run talker --image host -- sh -c 'while :; do echo up; sleep 0.1; done'`);
      const open = `fsb-ctl run open -i --image host -- ${talk}`;
      const lines = [...Object.values(ways).map((way) => way(talk)), 'fsb-ctl attach talker', open];
      // Two of them make a sandbox.
      const talking = lines.map(
        (line, n) => [line, shell.start(line.replace(' job ', ` job${n} `))] as const,
      );
      const follows = ['logs -f box', 'wait box', 'events', 'pool status --watch', 'port-forward box 0:80'];
      // One that has not begun when the core dies would start the next one.
      const following = follows.map(
        (line) => [line, shell.start(`env FSB_NO_AUTOSTART=1 fsb-ctl ${line}`)] as const,
      );
      const interrupted = shell.start(`fsb-ctl run early --rm --image host -- ${talk}`);
      for (const running of [interrupted, ...talking.map(([, one]) => one)]) await running.sees('up');
      await new Promise((resolve) => setTimeout(resolve, 700));
      await shell.cli.killCore(async () => {
        await new Promise((resolve) => setTimeout(resolve, 700));
        interrupted.signal('SIGINT');
        const said = expect.stringContaining('early is not deleted yet (');
        expect([await interrupted.end(), interrupted.stderr]).toEqual([130, said]);
        for (const [line, running] of talking) {
          expect([line, await running.end()]).toEqual([line, 125]);
          // Before it, it may say that it waits for an instance: there are more of them than warm ones.
          expect(running.stderr, line).toMatch(/^Error: .*(core|connection).*\n/m);
          if (line === open) expect(running.stderr).toContain('nobody knows what of that has arrived');
        }
        for (const [line, running] of following) {
          expect(line === 'events' ? [6] : [6, 125], line).toContain(await running.end());
          // Before it, those that look for the next core may say so.
          expect(running.stderr, line).toMatch(/^Error: /m);
        }
      });
      // What ran in them runs on, with its log.
      expect(await shell.succeed('fsb-ctl top box')).toContain('sleep 600');
      expect(await shell.succeed('fsb-ctl logs job0; fsb-ctl get job0 -o {{.phase}}')).toBe('up\nRunning\n');
      const written = async (): Promise<number> =>
        (await shell.succeed('fsb-ctl logs talker')).split('\n').length;
      const before = await written();
      await expect.poll(written).toBeGreaterThan(before);
    });
  },
);
