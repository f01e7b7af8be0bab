import { type CommandLineResult, runCommandLine } from '../../helpers/cli/command-line.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';
import { fixedCore, NOW } from './fixed-core.ts';

/**
 * Command lines on the fixed core: what each prints, in every form, piped and on a terminal, is in a file of
 * test/fixtures/golden/commands (golden.test.ts).
 * A new command needs a line here, and an answer in fixed-core.ts; `vitest -u` writes its file. The fields of its JSON
 * belong into docs/output.md (output-fields.test.ts checks it).
 */
export const lines: Record<string, string> = {
  list: 'list --all',
  get: 'get job',
  'get-missing': 'get nobody',
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
  'context-list': 'context list',
  'context-show': 'context show default',
  'image-history': 'image history tool',
  events: 'events --no-stream',
  version: 'version',
  'daemon-status': 'daemon status',
  'daemon-stop': 'daemon stop',
  logout: 'logout registry.example.com',
  'image-import': 'image import image.tar',
  'image-inspect': 'image inspect tool',
  'image-list': 'image list',
  'image-prune': 'image prune --force',
  'image-pull': 'image pull quay.io/me/tool:1',
  'image-remove': 'image remove tool',
  'pool-create': 'pool create default-pool --size 4',
  'pool-delete': 'pool delete default-pool',
  'pool-drain': 'pool drain default-pool',
  'pool-get': 'pool get default-pool',
  'pool-leases': 'pool leases',
  'pool-list': 'pool list',
  'pool-release': 'pool release l0123456789abcdef',
  'pool-run-lease': 'pool run --lease',
  'pool-start': 'pool start --no-wait',
  'pool-status': 'pool status',
  'pool-stop': 'pool stop',
  'pool-update': 'pool update default-pool --reset',
};

/** Runs it on a machine without anything of its own. */
export const runOnFixedCore = (line: string, { tty = false } = {}): Promise<CommandLineResult> =>
  runCommandLine(argvOf(line), {
    ...{ core: fixedCore(), clock: createManualClock(NOW), tty, cwd: '/' },
    env: { FSB_ROOT: '/nonexistent/fsb', DOCKER_CONFIG: '/nonexistent/docker' },
  });

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
