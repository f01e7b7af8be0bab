import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../src/core/model/clock.ts';
import { type CommandLineResult, runCommandLine } from '../../helpers/cli/command-line.ts';
import { NOW } from '../../helpers/cli/fixed-answers.ts';
import { fixedCore } from '../../helpers/cli/fixed-core.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

/**
 * Command lines on the fixed core: what each prints, in every form, piped and on a terminal, is in a file of
 * test/fixtures/golden/commands (golden.test.ts).
 * A new command needs a line here, and an answer in fixed-core.ts and fixed-answers.ts; `vitest -u` writes its file. The fields of its JSON
 * belong into docs/output.md (output-fields.test.ts checks it).
 */
export const lines: Record<string, string> = {
  list: 'list --all',
  'list-empty': 'list -l team=nobody',
  get: 'get job',
  'get-several': 'get box nobody old',
  'get-lost': 'get gone',
  'get-missing': 'get nobody',
  inspect: 'inspect job nobody',
  run: 'run box --image host -- sleep 60',
  delete: 'delete box nobody job',
  stop: 'stop box nobody',
  start: 'start old',
  restart: 'restart box',
  reset: 'reset box job',
  pause: 'pause box',
  unpause: 'unpause cold',
  kill: 'kill box',
  wait: 'wait old nobody',
  rename: 'rename box crate',
  update: 'update box --ttl none',
  logs: 'logs box',
  info: 'info',
  'config-get': 'config get output',
  'config-list': 'config list',
  'config-set': 'config set output json',
  'config-unset': 'config unset editor',
  'config-unset-missing': 'config unset pool',
  'context-list': 'context list',
  'context-show': 'context show build',
  'context-inspect': 'context inspect build nope',
  'context-create': 'context create other --host ssh://me@other',
  'context-update': 'context update build -n ci',
  'context-use': 'context use build',
  'context-remove': 'context remove build nobody',
  'image-history': 'image history tool',
  events: 'events --no-stream',
  'events-all': 'events --no-stream --all -A',
  version: 'version',
  'daemon-status': 'daemon status',
  'daemon-stop': 'daemon stop',
  'daemon-logs': 'daemon logs',
  login: 'login registry.example.com -u me -p secret',
  logout: 'logout registry.example.com',
  'logout-nobody': 'logout other.example.com',
  attach: 'attach box',
  exec: 'exec box -- sh -c true',
  top: 'top box',
  stats: 'stats --no-stream -a',
  cp: 'cp notes.txt box:/srv',
  'cp-out': 'cp box:/srv/. -',
  'cp-missing': 'cp nobody:/etc/motd .',
  'port-forward': 'port-forward box 0:80',
  'image-import': 'image import image.tar',
  'image-inspect': 'image inspect tool',
  'image-list': 'image list',
  'image-prune': 'image prune --force',
  'image-pull': 'image pull quay.io/me/tool:1',
  'image-remove': 'image remove tool',
  'image-save': 'image save tool',
  'image-tag': 'image tag tool other:1',
  'system-df': 'system df',
  'system-df-details': 'system df -v',
  'system-prune': 'system prune --all --force --set-aside',
  'pool-create': 'pool create default-pool --size 4',
  'pool-delete': 'pool delete default-pool',
  'pool-drain': 'pool drain default-pool',
  'pool-get': 'pool get default-pool',
  'pool-inspect': 'pool inspect default-pool nobody',
  'pool-leases': 'pool leases',
  'pool-list': 'pool list',
  'pool-release': 'pool release l0123456789abcdef',
  'pool-run': 'pool run -- true',
  'pool-run-lease': 'pool run --lease',
  'pool-exec': 'pool exec l0123456789abcdef -- true',
  'pool-start': 'pool start --no-wait',
  'pool-status': 'pool status',
  'pool-stop': 'pool stop',
  'pool-update': 'pool update default-pool --reset',
};

/** Commands without a golden file, and why. */
export const withoutGolden: Record<string, string> = {
  completion: 'prints a script: test/e2e/completion.test.ts runs it in each shell',
  'daemon start': 'starts a core: test/e2e/table.test.ts, exit-codes.test.ts',
  'daemon restart': 'starts a core: test/e2e/table.test.ts, embedded.test.ts',
  serve: 'is a core: test/e2e/table.test.ts, runtime.test.ts',
  doctor: 'says what is on this machine: output.test.ts has golden files of its table',
};

const HOME = new URL('../../fixtures/golden/home', import.meta.url).pathname;

/**
 * Runs it in the directory `work` of a user whose home is test/fixtures/golden/home, shown as /home/me.
 * @param columns of the terminal; undefined: there is none
 */
export async function runOnFixedCore(line: string, columns?: number): Promise<CommandLineResult> {
  const home = await mkdtemp(join(tmpdir(), 'fsb-golden-'));
  try {
    await cp(HOME, home, { recursive: true });
    const { code, stdout, stderr } = await runCommandLine(argvOf(line), {
      ...{ core: fixedCore(), clock: hastyClock(), cwd: join(home, 'work') },
      ...{ tty: columns !== undefined, columns },
      env: { FSB_ROOT: '/nonexistent/fsb', HOME: home },
    });
    const shown = (text: string): string => text.replaceAll(home, '/home/me');
    return { code, stdout: shown(stdout), stderr: shown(stderr) };
  } finally {
    await rm(home, { recursive: true });
  }
}

/** Stands still, but for whoever waits for it: for him the time goes by at once. */
function hastyClock(): Clock {
  const clock = createManualClock(NOW);
  const after: Clock['after'] = (ms, callback) => {
    const cancel = clock.after(ms, callback);
    setImmediate(() => clock.advance(ms));
    return cancel;
  };
  return { ...clock, after };
}

/** The options of the command stand before what belongs to the guest. */
function argvOf(line: string): string[] {
  const words = line.split(' ');
  const end = words.indexOf('--');
  const from = words.findIndex((word, at) => at > end && (word === '-o' || word === '-q'));
  const ordered =
    end === -1 || from === -1
      ? words
      : [...words.slice(0, end), ...words.slice(from), ...words.slice(end, from)];
  return ordered.map((word) => word.replace('{{json}}', '{{json .}}'));
}
