import { describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../helpers/cli/command-line.ts';

/** What a hand that knows docker types: it is refused before anything happens, with what to type here. */

/** @returns what stderr says; there is no core, so a line that went on would end with 6 */
async function refusal(line: string | string[], tty = false): Promise<string> {
  const words = typeof line === 'string' ? line.split(' ') : line;
  const { code, stdout, stderr } = await runCommandLine(words, { tty });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  return stderr;
}

describe('nothing in front of --', () => {
  it.each([
    ['run --image host -- true', 'missing NAME', 'fsb-ctl run NAME [FLAGS] [--] [COMMAND] [ARG...]'],
    ['run -e -- --image host -- true', 'missing NAME', 'fsb-ctl run NAME'],
    ['exec -it -- sh', 'missing NAME', 'fsb-ctl exec NAME [FLAGS] [--] COMMAND [ARG...]'],
    ['exec -- box ls', 'missing NAME', 'fsb-ctl exec NAME'],
    ['pool exec -- ls', 'missing LEASE', 'fsb-ctl pool exec'],
  ])('%s', async (line, message, usage) => {
    const stderr = await refusal(line);
    expect(stderr).toMatch(/^Error: .*\nHint: .*\n$/);
    expect(stderr).toContain(`Error: ${message}\n`);
    expect(stderr).toContain(usage);
  });

  it('is told to a program as such', async () => {
    const { error } = JSON.parse(await refusal('run -o json --image host -- true'));
    expect(error).toMatchObject({ code: 'invalid_argument', message: 'missing NAME' });
  });

  it('is no matter to help, and to a command whose words are all ours', async () => {
    expect((await runCommandLine(['run', '--help', '--', 'ls'])).code).toBe(0);
    expect((await runCommandLine(['attach', '--', 'box'])).code).toBe(6);
    expect((await runCommandLine(['pool', 'run', '--', 'true'])).code).toBe(6);
  });
});

describe('run in the order of docker', () => {
  it.each([
    ['run --name box alpine:3 ls -la', 'fsb-ctl run box --attach --image alpine:3 -- ls -la'],
    ['run --name=box host', 'fsb-ctl run box --attach --image host'],
    ['run -it --rm --name box alpine:3 sh', 'fsb-ctl run box -it --rm --image alpine:3 -- sh'],
    [
      'run --rm -e A=1 --name box -w /srv host env',
      'fsb-ctl run box --rm -e A=1 -w /srv --image host -- env',
    ],
    ['run --name box --image host -- ls', 'fsb-ctl run box --image host -- ls'],
    ['run --name box', 'fsb-ctl run box --attach --image IMAGE'],
    ['run x --name y --image host', 'fsb-ctl run y --image host'],
    ['run x --name y --image host -- ls -a', 'fsb-ctl run y --image host -- ls -a'],
    ['run host --name y', 'fsb-ctl run y --attach --image host'],
    ['run alpine:3 ls', 'fsb-ctl run NAME --rm --image alpine:3 -- ls'],
    ['run -d ghcr.io/me/tool', 'fsb-ctl run NAME -d --image ghcr.io/me/tool'],
    ['run -it alpine@sha256:0 sh', 'fsb-ctl run NAME -it --image alpine@sha256:0 -- sh'],
    ['run host ls', 'fsb-ctl run NAME --rm --image host -- ls'],
    ['run box alpine:3 ls', 'fsb-ctl run box --image alpine:3 -- ls'],
    ['run alpine echo hi', 'fsb-ctl run NAME --rm --image alpine -- echo hi'],
    ['run --rm hello-world', 'fsb-ctl run NAME --rm --image hello-world'],
    ['run hello-world', 'fsb-ctl run NAME --rm --image hello-world'],
    [
      'run --rm -it -v /here:/w -w /w --entrypoint sh alpine:3 -c ls',
      'fsb-ctl run NAME --rm -it -v /here:/w -w /w --entrypoint sh --image alpine:3 -- -c ls',
    ],
    ['run --rm curl/curl:8 -sSL http://x', 'fsb-ctl run NAME --rm --image curl/curl:8 -- -sSL http://x'],
    ['run alpine:3 -it sh', 'fsb-ctl run NAME -it --image alpine:3 -- sh'],
    ['run --restart always --hostname h --name box host ls', 'fsb-ctl run box --attach --image host -- ls'],
  ])('%s', async (line, typed) => {
    expect(await refusal(line)).toMatch(new RegExp(`^Error: .*\nHint: .*: ${escaped(typed)}\n$`));
  });

  it('leaves a mark for flags that are too long to read, and says so', async () => {
    const long = 'x'.repeat(80);
    const image = `alpine@sha256:${'0'.repeat(64)}`;
    const flags = ['-e', `A=${long}`, '-e', 'B=1', `--label=c=${long}`, '--mount', `type=bind,src=/${long}`];
    expect(await refusal(['run', '--name', 'box', ...flags, '--image', image, '--', 'echo', long])).toBe(
      'Error: unknown flag --name\nHint: The name is the first word; without what there is not here ' +
        `(--mount type=bind,src=/${'x'.repeat(37)}…); with your own flag for each ...: ` +
        `fsb-ctl run box ... -e B=1 ... --image ${image} -- echo ${long}\n`,
    );
  });

  it('leaves out of what it suggests what there is not here, and says so', async () => {
    const words =
      'run -d -p 80:80 --name web --restart unless-stopped --privileged -v data:/var/lib --net bridge -e X=1 nginx:latest';
    expect(await refusal(words)).toBe(
      'Error: unknown flag --name\nHint: The name is the first word; without what there is not here ' +
        '(-p 80:80, --restart unless-stopped, --privileged, -v data:/var/lib, --net bridge): ' +
        'fsb-ctl run web -d -e X=1 --image nginx:latest\n',
    );
  });

  it('is shown so that a shell reads the same words', async () => {
    const words = ['run', '--name', 'box', '-e', 'A=a b', 'alpine:3', 'sh', '-c', "echo 'hi' $A"];
    const typed = `fsb-ctl run box --attach -e 'A=a b' --image alpine:3 -- sh -c 'echo '\\''hi'\\'' $A'`;
    expect(await refusal(words)).toContain(typed);
  });

  it('says so on a terminal, too, where a name would open the editor', async () => {
    expect(await refusal('run alpine:3 ls', true)).toContain('fsb-ctl run NAME --rm --image alpine:3 -- ls');
    expect(await refusal('run --name box host', true)).toContain('fsb-ctl run box --attach --image host');
  });

  it('says so on a terminal of a sandbox called host, too', async () => {
    const hint = 'If host is the image: fsb-ctl run NAME --rm -it --image host -- sh';
    expect(await refusal('run --rm -it host sh', true)).toContain(hint);
  });

  it('is not taken for it where only the name is wrong', async () => {
    expect(await refusal('run My_Box ls')).toContain('1 to 63 lower-case letters');
    expect(await refusal('run a:b --image host')).toContain('1 to 63 lower-case letters');
  });
});

describe('what run printed, in the place of the id that docker prints', () => {
  const table = 'NAME  ID            NODE\nbox   0123456789ab  here';

  it.each([
    ['quoted', ['logs', table]],
    ['not quoted', ['logs', ...table.split(/\s+/)]],
    ['of a command with several names', ['rm', '-f', ...table.split(/\s+/)]],
    ['of one that runs something', ['exec', table, 'ls']],
  ])('%s', async (_, words) => {
    expect(await refusal(words)).toContain('run -d -q prints the id alone');
  });
});

describe('flags of docker', () => {
  it.each([
    ['-p 8080:80', 'fsb-ctl port-forward NAME 8080:80'],
    ['-p 127.0.0.1:8080:80/tcp', 'fsb-ctl port-forward NAME 8080:80'],
    ['-p 80/udp', '1 to 65535'],
    ['-P', 'fsb-ctl port-forward NAME'],
    ['--publish 8080:80', 'fsb-ctl port-forward NAME'],
    ['-v data:/data', 'no named volumes'],
    ['--mount type=bind,source=/a,target=/b', '--volume /source:/target'],
    ['--network bridge', 'none or host'],
    ['--net bridge', 'none or host'],
    ['--privileged', 'none'],
    ['--restart always', '--failure-policy'],
    ['--pids-limit -1', 'no unlimited'],
    ['--storage-opt size=1g', '--disk'],
    ['--device-read-bps /dev/sda:1mb', 'fsb-ctl run --disk SIZE'],
    ['--health-start-period 5s', 'fsb-ctl exec NAME COMMAND'],
    ['--domainname a.b', 'host name of its instance'],
    ['--stop-signal TERN', 'fsb-ctl stop --signal'],
    ['--cpu-shares 5', '--cpus'],
    ['--memory-swap 1g', '--memory'],
    ['--shm-size=64m', '64m'],
    ['--ulimit nofile=5', '--pids'],
    ['--dns 1.1.1.1', '/etc/resolv.conf'],
    ['--gpus all', 'none'],
    ['--log-driver none', 'fsb-ctl logs NAME'],
    ['--netwrok none', 'Did you mean --network?'],
  ])('%s', async (flag, hint) => {
    const stderr = await refusal(`run box --image host ${flag} -- true`);
    expect(stderr).toMatch(/^Error: .*\nHint: .*\n$/);
    expect(stderr).toContain(hint);
  });
});

describe('flags of a sandbox, on a command in it', () => {
  it.each([
    ['exec --privileged box ls', 'the same few rights'],
    ['exec --cpus 2 box ls', 'fsb-ctl update NAME --cpus 2'],
    ['exec -m 1g box ls', 'fsb-ctl update NAME --cpus 2 --memory 1g'],
    ['exec --memory-swap 1g box ls', 'fsb-ctl update NAME'],
    ['exec -v /a:/b box ls', 'fsb-ctl run --help'],
    ['exec --rm box ls', 'fsb-ctl run --help'],
    ['pool exec --cpus 2 l0 ls', 'fsb-ctl pool run --lease'],
    ['pool run -l a=b -- ls', 'fsb-ctl run NAME'],
  ])('%s', async (line, hint) => {
    const stderr = await refusal(line);
    expect(stderr).toMatch(/^Error: .*\nHint: .*\n$/);
    expect(stderr).toContain(hint);
  });
});

describe('flags of docker that mean the same as one of ours', () => {
  // There is no core: they have been understood.
  it.each([
    'run box --net host --pids-limit 64 --cidfile id.txt --expose 80 --sig-proxy=false --image host -- true',
    'exec --sig-proxy=false box true',
    'attach --sig-proxy=false box',
    'start -a --sig-proxy=false box',
    'update --pids-limit 64 box',
    'run --rm=true --interactive=false box --image host -- true',
  ])('%s', async (line) => {
    expect((await runCommandLine(line.split(' '))).code).toBe(6);
  });
});

describe('flags of docker that other commands have otherwise', () => {
  it.each([
    ['get -f {{.Id}} box', '--format'],
    ['ps -l', '--latest'],
    ['-H tcp://far:2375 ps', '--host ENDPOINT'],
    ['-c far ps', '--context NAME'],
    ['-D info', 'FSB_DEBUG=1'],
    ['--tlsverify ps', 'fsb-ctl context create'],
    ['cp -r a box:/', 'everything in it'],
    ['ps -n 1', 'fsb-ctl list --last 1'],
    ['ps -s', 'fsb-ctl system df'],
    ['get --type image box', 'fsb-ctl inspect --type image NAME'],
    ['top box -ef', 'fsb-ctl exec NAME ps aux'],
    ['top box aux', 'fsb-ctl exec NAME ps aux'],
    ['top box -u root', 'fsb-ctl exec NAME ps aux'],
    ['exec', 'fsb-ctl exec -it NAME sh'],
    ['exec box', 'fsb-ctl exec -it box sh'],
    ['exec -it -w / box', 'fsb-ctl exec -it box sh'],
    ['pool exec l0', 'fsb-ctl pool exec -it l0 sh'],
    ['update -m 64Ki box', 'Write it like 512m, 1.5g or 64Mi, 6m at least'],
    ['logs --details box', 'fsb-ctl get NAME'],
    ['update --restart always box', '--failure-policy'],
    ['update --cpu-shares 5 box', '--cpus'],
    ['pull -a alpine', 'NAME:TAG'],
    ['system prune --volumes', 'no volumes'],
    ['rm -fv box', 'no volumes'],
    ['kill -9 box', 'fsb-ctl kill -s 9 NAME'],
    ['kill -KILL box', 'fsb-ctl kill -s KILL NAME'],
    ['kill -SIGHUP box', 'kill'],
  ])('%s', async (line, hint) => {
    const stderr = await refusal(line);
    expect(stderr).toMatch(/^Error: .*\nHint: .*\n$/);
    expect(stderr).toContain(hint);
  });
});

describe('words of docker', () => {
  it.each([
    ['port box', 'fsb-ctl port-forward NAME'],
    ['push x', 'fsb-ctl image save'],
    ['build .', 'fsb-ctl image import'],
    ['create alpine', 'fsb-ctl run NAME --image IMAGE'],
    ['commit box', 'There is none'],
    ['diff box', 'There is none'],
    ['export box', 'fsb-ctl cp NAME:/ -'],
    ['volume ls', '--volume'],
    ['network ls', '--network'],
    ['compose up', 'There is none'],
    ['search alpine', 'fsb-ctl image pull'],
    ['container commit box', 'fsb-ctl image import'],
    ['container create alpine', 'fsb-ctl run NAME --image IMAGE'],
    ['container image ls', 'fsb-ctl --help'],
    ['context export x', 'fsb-ctl context show NAME -o json'],
    ['context import x', 'fsb-ctl context create'],
    ['container frobnicate', 'fsb-ctl --help'],
    ['up', 'fsb-ctl run NAME'],
    ['new box', 'fsb-ctl run NAME'],
    ['shell box', 'fsb-ctl exec -it NAME sh'],
    ['sh box', 'fsb-ctl exec -it NAME sh'],
    ['enter box', 'fsb-ctl exec -it NAME sh'],
    ['ssh box', 'fsb-ctl exec -it NAME sh'],
    ['describe box', 'fsb-ctl get NAME'],
    ['show box', 'fsb-ctl get NAME'],
    ['status', 'fsb-ctl daemon status'],
    ['remove box', 'fsb-ctl delete NAME'],
    ['destroy box', 'fsb-ctl delete NAME'],
    ['daemon reload', 'fsb-ctl daemon restart'],
    ['container', 'fsb-ctl list'],
    ['image push x', 'fsb-ctl image save'],
    ['image build .', 'fsb-ctl image import'],
    ['image nonsense', 'fsb-ctl image --help'],
    ['pool -o wide nonsense', 'fsb-ctl pool --help'],
    ['lst', 'Did you mean fsb-ctl list?'],
  ])('%s', async (line, hint) => {
    const stderr = await refusal(line);
    expect(stderr).toMatch(/^Error: unknown command .*\nHint: .*\n$/);
    expect(stderr).toContain(hint);
  });
});

it.each(['create', 'frob'])('an unknown word behind container is named with it: %s', async (word) => {
  expect(await refusal(`container ${word}`)).toContain(`Error: unknown command "container ${word}"\n`);
});

it.each([
  'container ls -a',
  'container run box --image host -- true',
  'container rm -f box',
  'container inspect box',
  'container exec box ls -la',
  'container prune -f --filter until=24h',
])('%s does without the word', async (line) => {
  const { code, stderr } = await runCommandLine(line.split(' '));
  expect([code, stderr]).toEqual([6, 'Error: the test has no core\n']);
});

it('help of container ls is that of ls', async () => {
  for (const line of ['container ls --help', 'help container ls', 'help container prune'])
    expect((await runCommandLine(line.split(' '))).code).toBe(0);
});

it('help after a topic is its help', async () => {
  expect((await runCommandLine(['image', 'help'])).code).toBe(0);
});

it.each([
  'pool --help',
  'image -h',
  'daemon --help',
  'system -h',
  'context --help',
  'config -n other --help',
  'container --help',
])('%s is its help', async (line) => {
  const { code, stdout, stderr } = await runCommandLine(line.split(' '));
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('USAGE');
});

it('-h with a name is no wish for help', async () => {
  expect((await runCommandLine(['run', 'z', '-h'])).code).toBe(0);
  expect(await refusal('run z --rm --image host -h web -- hostname')).toMatch(
    /^Error: unknown flag -h web\nHint: There is none: a sandbox has the host name of its instance/,
  );
});

it('a topic with nothing but flags needs a command', async () => {
  expect(await refusal('pool -o wide')).toBe('Error: pool needs a command\nHint: See fsb-ctl pool --help.\n');
  expect(await refusal('pool --frobnicate')).toContain('Error: pool needs a command\n');
});

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
