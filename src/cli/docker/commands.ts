const PUSH = 'There is none: write the image to a file with fsb-ctl image save -o FILE IMAGE, and push that.';
const BUILD = 'There is none: build elsewhere, and bring it in with: fsb-ctl image import FILE NAME';
const COMPOSE =
  'There is none: give each sandbox its own fsb-ctl run, or a file with fsb-ctl run NAME --file FILE';
const VOLUMES = 'There is none: give run a directory of the node with --volume /source:/target:rw';
const NETWORKS =
  'There is none: run has --network none or host; reach a port with: fsb-ctl port-forward NAME 8080:80';

/** Commands of docker that there are not, and what there is instead. Two words win over their first. */
const instead: Readonly<Record<string, string>> = {
  port: 'No port is published; reach one of a sandbox with: fsb-ctl port-forward NAME 8080:80',
  create: 'A sandbox is made and started with: fsb-ctl run NAME --image IMAGE',
  commit:
    'There is none, but files become an image: fsb-ctl cp NAME:/ - | fsb-ctl image import --rootfs - mine:1',
  diff: 'There is none: look at its files with fsb-ctl exec NAME, or take them out with fsb-ctl cp',
  export: 'Its files as a tar: fsb-ctl cp NAME:/ - >files.tar',
  push: PUSH,
  'image push': PUSH,
  build: BUILD,
  'image build': BUILD,
  buildx: BUILD,
  builder: BUILD,
  search:
    'There is none: look at the web page of the registry, and bring an image in with: fsb-ctl image pull NAME',
  volume: VOLUMES,
  network: NETWORKS,
  compose: COMPOSE,
  stack: COMPOSE,
  service: COMPOSE,
  swarm: 'There is none: a core has one node; others are reached with: fsb-ctl context create',
  node: 'There is none: a core has one node, which is in: fsb-ctl info',
  secret: 'There is none: give run variables with --env-file, or a file with --volume',
  checkpoint: 'There is none: fsb-ctl pause NAME freezes a sandbox, and unpause lets it go on.',
  manifest: 'Everything about an image: fsb-ctl image inspect NAME',
  plugin: 'There is none: every command is built in, see fsb-ctl --help',
  trust: 'There is none: name an image by its digest, NAME@sha256:..., to get that one and no other.',
  container: 'Sandboxes need no word before the command: fsb-ctl list',
  'context export': 'Make it there anew, from what this says: fsb-ctl context show NAME -o json',
  'context import': 'Make it by hand: fsb-ctl context create NAME --host ENDPOINT',
};

/** Of docker's `container`, those that we have without that word. */
export const OF_CONTAINER: ReadonlySet<string | undefined> = new Set(
  'attach cp exec inspect kill list logs ls pause ps rename restart rm run start stats stop top unpause update wait'.split(
    ' ',
  ),
);

/** `container ls` is `ls`, and `container prune` what of `system prune` is about sandboxes. */
export function withoutContainer(words: string[]): string[] {
  const [first, second, ...rest] = words;
  if (first !== 'container') return words;
  if (second === 'prune') return ['system', 'prune', '--sandboxes', ...rest];
  return OF_CONTAINER.has(second) ? words.slice(1) : words;
}

/** Of words that people try, of no program in particular: what they mean here. */
const meant: Readonly<Record<string, string>> = {
  up: 'run NAME --image IMAGE',
  new: 'run NAME --image IMAGE',
  sh: 'exec -it NAME sh',
  bash: 'exec -it NAME bash',
  shell: 'exec -it NAME sh',
  enter: 'exec -it NAME sh',
  ssh: 'exec -it NAME sh',
  describe: 'get NAME',
  show: 'get NAME',
  status: 'list, or fsb-ctl daemon status',
  remove: 'delete NAME',
  destroy: 'delete NAME',
  down: 'delete NAME',
  'daemon reload': 'daemon restart',
};

/** What there is here instead of a word that people know; undefined for one that nobody does. */
export function insteadOfDocker([first, second]: readonly string[]): string | undefined {
  if (first === 'container' && second !== undefined)
    return (
      of(`container ${second}`) ??
      of(second) ??
      `Without the word: fsb-ctl list, run, ...; see fsb-ctl --help.`
    );
  return of(`${first} ${second}`) ?? of(String(first));
}

const of = (words: string): string | undefined => {
  if (Object.hasOwn(instead, words)) return instead[words];
  return Object.hasOwn(meant, words) ? `Did you mean fsb-ctl ${meant[words]}?` : undefined;
};
