import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { betweenFolders, findCycles, type Import, importsOf, readImports } from '../helpers/import-graph.ts';

/**
 * Which way imports point (docs/architecture.md has the picture). A room is a folder of src, or a file; a file belongs
 * to the longest room that its path begins with. A room may import itself and the rooms that are listed for it.
 * Importing only types counts like importing code: it is knowledge all the same.
 *
 * A new folder needs a row here: think where it stands in the picture, and give it as little as it needs.
 */
const rooms: Record<string, { may: string[]; lazily?: string[] }> = {
  // The command line knows the seams and the model. One room decides whether a core is here or far away.
  main: { may: ['cli', 'cli/endpoints', 'commands', 'core/model'] },
  commands: {
    may: [
      ...['cli', 'cli/copy', 'core/api', 'core/view', 'core/model'],
      ...['cli/local/daemon', 'cli/local/flags', 'cli/local/log', 'cli/local/serve', 'cli/local/doctor'],
    ],
  },
  cli: { may: ['cli/endpoints', 'core/view', 'core/api', 'core/model'], lazily: ['core/trace'] },
  // Files to and from a sandbox are a tar on the way.
  'cli/copy': { may: ['cli', 'core/tar', 'core/model'] },
  'cli/endpoints': {
    may: ['cli', 'core/api', 'core/model'],
    lazily: ['core/client', 'core/root', 'cli/local/daemon', 'cli/local/serve'],
  },
  // The core of this machine as a thing to start, stop, run and examine. Commands that use one never come here, but
  // through connect, which starts it when it is not there. Where the programs for sandboxes are, all of it asks.
  'cli/local': { may: ['core/model'] },
  // What a core writes of itself, and reading that.
  'cli/local/log': { may: ['cli', 'core/root', 'core/model'] },
  // What a core is started with, as words of a command line.
  'cli/local/flags': { may: ['cli', 'core', 'core/root', 'core/model'] },
  // The core as a process of its own: found, started, asked, stopped.
  'cli/local/daemon': {
    may: ['cli', 'cli/local', 'cli/local/flags', 'core/root', 'core/view', 'core/model'],
    lazily: ['core/client'],
  },
  // The core in this process: until it is told to end, or for one command.
  'cli/local/serve': {
    may: [
      ...['cli', 'cli/local', 'cli/local/log', 'cli/local/daemon'],
      ...['core', 'core/root', 'core/api', 'core/model'],
    ],
  },
  'cli/local/doctor': {
    may: [
      ...['cli', 'cli/local', 'cli/local/daemon', 'cli/local/serve'],
      ...['core/root', 'core/upkeep', 'core/image', 'core/runtime/oci', 'core/model'],
    ],
    lazily: ['core/client'],
  },

  // The composition root: daemon.ts, the files beside it and those in node/ build everything that one core is made of, and hand out
  // drivers, stores and clocks. Nobody else reaches for them.
  core: {
    may: [
      ...['core/server', 'core/controller', 'core/controller/records'],
      ...['core/agent', 'core/pool', 'core/instance', 'core/guest'],
      ...['core/runtime/driver', 'core/runtime/oci', 'core/runtime/containerd'],
      ...['core/image', 'core/logs', 'core/store', 'core/events', 'core/api', 'core/model', 'core/upkeep'],
      'core/root',
    ],
  },
  // What makes a root the place of one core: its directory, its lock, the word of which core has it.
  'core/root': { may: ['core/api', 'core/model'] },
  // What all of it takes, and how it is: it looks at every part, and no part knows of it.
  'core/upkeep': {
    may: [
      ...[
        'core/agent',
        'core/runtime/driver',
        'core/image',
        'core/logs',
        'core/store',
        'core/api',
        'core/model',
      ],
    ],
  },

  // Both ends of the wire see the seams (api), and never what is behind them.
  'core/server': { may: ['core/wire', 'core/tools', 'core/view', 'core/api', 'core/model'] },
  'core/client': { may: ['core/wire', 'core/api', 'core/model'] },
  'core/wire': { may: ['core/api', 'core/model'] },

  // How what is known is shown in JSON: by the command line and by the HTTP API alike.
  'core/view': { may: ['core/api', 'core/model'] },

  // Tools work in whatever sandboxes the seams lend them.
  'core/tools': { may: ['core/api', 'core/model'] },

  // The controller reaches nodes only through AgentApi. Downwards: recovery -> lifecycle -> records -> decide.
  'core/controller': {
    may: [
      ...['core/controller/recovery', 'core/controller/lifecycle', 'core/controller/queries'],
      ...['core/controller/records', 'core/controller/decide', 'core/store', 'core/api', 'core/model'],
    ],
  },
  // What follows from what a sandbox is, without I/O.
  'core/controller/decide': { may: ['core/api', 'core/model'] },
  // What is known of each sandbox, on the disk and in memory, and who is told that it has changed.
  'core/controller/records': { may: ['core/controller/decide', 'core/store', 'core/api', 'core/model'] },
  'core/controller/queries': {
    may: ['core/controller/records', 'core/controller/decide', 'core/api', 'core/model'],
  },
  // The steps of a sandbox's life, and their turns.
  'core/controller/lifecycle': {
    may: ['core/controller/records', 'core/controller/decide', 'core/api', 'core/model'],
  },
  // What nobody has called for: the node is heard, believed, and what was lost is begun again.
  'core/controller/recovery': {
    may: [
      ...['core/controller/lifecycle', 'core/controller/records', 'core/controller/decide'],
      ...['core/api', 'core/model'],
    ],
  },

  // One node, downwards: agent -> pool -> instance -> { guest, runtime/driver }.
  'core/agent': {
    may: [
      ...['core/pool', 'core/instance', 'core/guest', 'core/runtime/driver'],
      ...['core/image', 'core/logs', 'core/store', 'core/events', 'core/api', 'core/model'],
    ],
  },
  'core/pool': { may: ['core/instance', 'core/guest', 'core/runtime/driver', 'core/model'] },
  'core/instance': { may: ['core/guest', 'core/runtime/driver', 'core/model'] },
  'core/guest': { may: ['core/model'] },

  // A driver never imports another. An image backend belongs to its driver.
  'core/runtime/driver': { may: ['core/model'] },
  'core/runtime/oci': { may: ['core/runtime/driver', 'core/model'] },
  'core/runtime/containerd': { may: ['core/runtime/driver', 'core/image', 'core/model'] },

  'core/image': { may: ['core/tar', 'core/model'] },
  'core/logs': { may: ['core/model'] },
  'core/store': { may: ['core/model'] },
  // The tar format, for whoever takes things out of one or puts them in.
  'core/tar': { may: ['core/model'] },
  'core/events': { may: ['core/model'] },
  // Takes down the steps that are marked everywhere; loaded when somebody asks for it.
  'core/trace': { may: ['core/model'] },
  'core/api': { may: ['core/model'] },
  'core/model': { may: [] },
};

/** Where each package may be imported; a room includes its subfolders. `types`: only with `import type`. */
const packages: Record<string, { in: string[]; types?: string[] }> = {
  // What touches a terminal stays out of core.
  '@oclif/core': { in: ['commands', 'cli'] },
  chalk: { in: ['cli'] },
  'cli-table3': { in: ['cli'] },
  'string-width': { in: ['cli'] },
  '@inquirer/prompts': { in: ['cli'] },

  // One transport, one place at each end of it. Generated code names the types of its services.
  '@grpc/grpc-js': {
    in: ['core/server/grpc', 'core/client', 'core/runtime/containerd'],
    types: ['core/wire/gen', 'core/server/http'],
  },
  '@bufbuild/protobuf': { in: ['core/wire/gen', 'core/runtime/containerd'] },
  ws: { in: ['core/server/ws', 'core/client'] },
  'prom-client': { in: ['core/server'] },
  '@opentelemetry/api': { in: ['core/trace'] },
  '@opentelemetry/exporter-trace-otlp-http': { in: ['core/trace'] },
  '@opentelemetry/resources': { in: ['core/trace'] },
  '@opentelemetry/sdk-trace-base': { in: ['core/trace'] },
  lmdb: { in: ['core/store'] },
  'tar-stream': { in: ['core/image'] },
  'https-proxy-agent': { in: ['core/image/registry'] },
  'http-proxy-agent': { in: ['core/image/registry'] },
  'proxy-from-env': { in: ['core/image/registry'] },

  yaml: { in: ['cli', 'core/model', 'core/image/registry', 'core/server/auth'] },
  zod: { in: ['commands', 'cli', 'core'] },
  // Whoever starts a core makes its logger; core is given one.
  pino: { in: ['cli'], types: ['core'] },
};

/** Files that may ask for the time and set timers themselves, and why; everything else is given a Clock. */
const timekeepers: Record<string, string> = {
  'core/model/clock': 'is the clock',
  'core/client/stream/stream-api': 'limits a look at a core that may hang; nothing else of it is timed',
  'core/client/stream/read-log':
    'pauses between attempts with a timer that keeps the process of the command alive',
  'core/client/stream/carried-session':
    'pauses between attempts with a timer that keeps the process of the command alive',
  'core/client/stream/heartbeat':
    'runs in the process of the command, beside a socket that it must not keep alive',
  'core/client/ask-again': 'pauses between attempts with a timer that keeps the process of the command alive',
  'core/image/content/records-file': 'names a damaged file, set aside, after the time',
  'core/client/stream/linked-socket':
    'pauses between attempts with a timer that keeps the process of the command alive',
  'core/client/stream/unix-socket': 'has the idle timeout of its socket, in the process of the command',
  'cli/local/doctor/core-checks': 'limits a look at a core that may hang; nothing else of it is timed',
  'cli/local/daemon/first-word':
    'has a deadline for a core that starts: the process of the command must stay alive for it',
  'cli/local/daemon/running-core': 'limits what it asks a core that may hang; nothing else of it is timed',
  'cli/local/daemon/stop-core': 'waits for the end of a process that is not its child',
  'cli/stats/pause': 'keeps the process of the command alive; what it waits for is on a clock',
};

/** Files that may take the clock of the machine, and why; everything else is handed one, so that all of a core have the same. */
const clockTakers: Record<string, string> = {
  main: 'makes what every command is given',
  'core/daemon': 'makes the core, and hands it a clock',
  'core/agent-daemon': 'makes a node without a controller, and hands it a clock',
  'core/client/absence': 'runs in the process of the command; a test hands in another one',
  'core/client/deed': 'runs in the process of the command, which has no other',
  'core/client/grpc-rpc': 'runs in the process of the command',
  'core/server/grpc/call': 'judges a deadline that grpc-js has made of that clock',
  'cli/local/doctor/doctor': 'looks at the machine without a core',
  'cli/local/log/core-log': 'tells when lines were dropped, for the log of the core itself',
};

/** `new Date(time)` only gives a known time another form. */
const TIME =
  /\bDate\.now\b|\bnew Date(\(\)|\b(?!\())|\bset(Timeout|Interval)\b|\bperformance\.now\b|\bhrtime\b|\bAbortSignal\.timeout\b|timers\/promises/;

/** Where a text asks for the time, outside of comments. */
const timesIn = (text: string): number[] =>
  text
    .split('\n')
    .flatMap((line, index) => (TIME.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line) ? [index + 1] : []));

const root = fileURLToPath(new URL('../../', import.meta.url));
const imports = readImports(root, 'src');

/** `src/core/runtime/driver.ts` as rooms are written: `core/runtime/driver`. */
const pathInSrc = (file: string): string => file.replace(/^src\//, '').replace(/\.ts$/, '');
const isIn = (file: string, room: string): boolean =>
  `${pathInSrc(file)}/`.startsWith(`${room.replace(/\.ts$/, '')}/`);

function roomOf(file: string): string | undefined {
  const candidates = Object.keys(rooms).filter((room) => isIn(file, room));
  // `core` is the files beside daemon.ts, and node/ of them, not every folder of core: a new one must get a row of its own.
  const isRootFile = /^src\/core\/(node\/)?[^/]+\.ts$/.test(file);
  return candidates.filter((room) => room !== 'core' || isRootFile).sort((a, b) => b.length - a.length)[0];
}

const where = ({ from, line }: Import): string => `${from}:${line}`;

/** What is wrong with an import that leads to a file of src; undefined: nothing. */
function roomProblem(it: Import): string | undefined {
  if (it.kind !== 'file') return undefined;
  if (!it.to.startsWith('src/'))
    return `${where(it)} imports ${it.to}: src imports nothing outside src (tests and scripts import src)`;
  const [from, to] = [roomOf(it.from), roomOf(it.to)];
  if (from === undefined) return `${it.from} is in no room: give its folder a row in ${table}`;
  if (to === undefined)
    return `${where(it)} imports ${it.to}, which is in no room: give its folder a row in ${table}`;
  const { may, lazily = [] } = rooms[from]!;
  if (from === to || may.includes(to)) return undefined;
  if (lazily.includes(to)) {
    if (it.lazy || it.typeOnly) return undefined;
    return `${where(it)} imports ${it.to} at start-up: load it with await import() where it is needed`;
  }
  const allowed = may.length === 0 ? 'nothing but itself' : may.join(', ');
  return (
    `${where(it)} (${from}) imports ${it.to} (${to}): ${from} may import ${allowed}. ` +
    'Move a shared type or function down to the room that both may import (mostly core/model), or let the ' +
    'composition root hand the thing in.'
  );
}

function packageProblem(it: Import): string | undefined {
  if (it.kind !== 'package') return undefined;
  const rule = packages[it.to];
  if (rule === undefined) return `${where(it)} imports ${it.to}: a new package needs a row in ${table}`;
  const allowed = it.typeOnly ? [...rule.in, ...(rule.types ?? [])] : rule.in;
  if (allowed.some((room) => isIn(it.from, room))) return undefined;
  const types = rule.types === undefined ? '' : `, and as "import type" in ${rule.types.join(', ')}`;
  return `${where(it)} imports ${it.to}: that is only for ${rule.in.join(', ')}${types}`;
}

const table = 'test/unit/architecture.test.ts';
const problems = (find: (it: Import) => string | undefined, of: readonly Import[] = imports): string[] => [
  ...new Set(of.flatMap((it) => find(it) ?? [])),
];

describe('imports in src', () => {
  it('point down the picture', () => {
    expect(problems(roomProblem)).toEqual([]);
  });

  it('take packages only where they belong', () => {
    expect(problems(packageProblem)).toEqual([]);
  });

  it('make no circle', () => {
    const circles = findCycles(imports).map(
      (files) => `${files.join(' -> ')}: move what both need into a file of its own`,
    );
    expect(circles).toEqual([]);
  });

  it('make no circle of folders that stand side by side', () => {
    const circles = findCycles(betweenFolders(imports)).map(
      (folders) => `${folders.join(' -> ')}: move what both need into a folder of its own, or beside them`,
    );
    expect(circles).toEqual([]);
  });
});

describe('time', () => {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('core/wire/gen/'),
  );
  const linesOf = (name: string): number[] => timesIn(readFileSync(`${root}src/${name}`, 'utf8'));

  it('comes in as a Clock', () => {
    const found = files
      .filter((name) => !Object.hasOwn(timekeepers, name.replace(/\.ts$/, '')))
      .flatMap((name) =>
        linesOf(name).map((line) => `src/${name}:${line} must use a Clock (core/model/clock.ts)`),
      );
    expect(found).toEqual([]);
  });

  it('of the machine is taken by those alone who hand it on', () => {
    const takers = files
      .map((name) => name.replace(/\.ts$/, ''))
      .filter((name) => name !== 'core/model/clock')
      .filter((name) => /^import .*\bsystemClock\b/m.test(readFileSync(`${root}src/${name}.ts`, 'utf8')));
    expect(takers.sort()).toEqual(Object.keys(clockTakers).sort());
  });

  it('is kept by nobody who is listed in vain', () => {
    expect(Object.keys(timekeepers).filter((name) => linesOf(`${name}.ts`).length === 0)).toEqual([]);
  });

  it.each([
    'const a = Date.now();',
    'const a = new Date();',
    'const a = new Date;',
    'setTimeout(f, 5);',
    'setInterval(f, 5);',
    'performance.now()',
    'process.hrtime.bigint()',
    'AbortSignal.timeout(5)',
    "import { setTimeout as delay } from 'node:timers/promises';",
  ])('is seen in %s', (text) => expect(timesIn(text)).toEqual([1]));

  it.each([
    'new Date(ms).toISOString()',
    '// setTimeout fires at once',
    ' * Date.now()',
    'clearTimeout(timer)',
  ])('is not seen in %s', (text) => expect(timesIn(text)).toEqual([]));
});

describe('the check itself', () => {
  const check = (from: string, text: string): string[] => {
    const found = importsOf(from, text);
    return [...problems(roomProblem, found), ...problems(packageProblem, found)];
  };

  it('finds every way to import', () => {
    const text = `
      import './a.ts';
      import type { B } from './b.ts';
      import { type C, type D } from './c.ts';
      import { type E, f } from './e.ts';
      export * from './g.ts';
      export type { H } from './h.ts';
      type I = import('./i.ts').I;
      const j = () => import('./j.ts');
      const k = import(f);
      // import './comment.ts'
      const l = "import './string.ts'";`;
    expect(importsOf('src/x/y.ts', text).map((it) => [it.to, it.typeOnly, it.lazy])).toEqual([
      ['src/x/a.ts', false, false],
      ['src/x/b.ts', true, false],
      ['src/x/c.ts', true, false],
      ['src/x/e.ts', false, false],
      ['src/x/g.ts', false, false],
      ['src/x/h.ts', true, false],
      ['src/x/i.ts', true, false],
      ['src/x/j.ts', false, true],
      ['computed: f', false, true],
    ]);
  });

  it.each([
    [
      'src/commands/run.ts',
      "import { d } from '../core/daemon.ts'",
      'commands may import cli, cli/copy, core/api',
    ],
    ['src/cli/endpoints/connect.ts', "import { c } from '../../core/client/x.ts'", 'await import()'],
    ['src/cli/endpoints/connect.ts', "import('../../core/daemon.ts')", 'cli/endpoints may import'],
    ['src/core/server/grpc/x.ts', "import '../../controller/x.ts'", 'core/server may import'],
    ['src/core/controller/x.ts', "import '../pool/pool.ts'", 'core/controller may import'],
    ['src/core/runtime/oci/x.ts', "import '../containerd/x.ts'", 'core/runtime/oci may import'],
    ['src/core/model/x.ts', "import type { X } from '../api/agent-api.ts'", 'nothing but itself'],
    ['src/core/new/x.ts', "import '../model/x.ts'", 'is in no room'],
    ['src/core/pool/x.ts', "import '../../../test/helpers/fake.ts'", 'nothing outside src'],
    ['src/core/agent/x.ts', "import chalk from 'chalk'", 'only for cli'],
    ['src/core/server/http/x.ts', "import { WebSocket } from 'ws'", 'only for core/server/ws'],
    ['src/core/wire/gen/x.ts', "import { Client } from '@grpc/grpc-js'", 'only for core/server/grpc'],
    ['src/core/pool/x.ts', "import { pino } from 'pino'", 'as "import type" in core'],
    ['src/core/pool/x.ts', "import _ from 'lodash'", 'needs a row'],
  ])('refuses in %s: %s', (from, text, message) => {
    expect(check(from, text)).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ['src/cli/endpoints/connect.ts', "const load = () => import('../../core/client/x.ts')"],
    [
      'src/core/daemon.ts',
      "import './runtime/oci/x.ts'; import './root/lock.ts'; import type { Logger } from 'pino'",
    ],
    ['src/core/agent/x.ts', "import '../runtime/driver.ts'; import type { Logger } from 'pino'"],
    ['src/core/wire/gen/x.ts', "import type { Client } from '@grpc/grpc-js'"],
    ['src/core/store/x.ts', "import { open } from 'lmdb'; import 'node:fs'"],
  ])('allows in %s: %s', (from, text) => {
    expect(check(from, text)).toEqual([]);
  });

  it('finds a circle over any number of files', () => {
    const circle = [
      ...importsOf('src/a.ts', "import './b.ts'"),
      ...importsOf('src/b.ts', "import './c.ts'; import './d.ts'"),
      ...importsOf('src/c.ts', "import type { A } from './a.ts'"),
    ];
    expect(findCycles(circle)).toEqual([['src/a.ts', 'src/b.ts', 'src/c.ts', 'src/a.ts']]);
  });
});
