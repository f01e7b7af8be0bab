/** What holds for every command. Each row: the thing, and one sentence about it. */
type Rows = readonly (readonly [string, string])[];

export const exitCodes: Rows = [
  ['0', 'Success.'],
  ['1', 'Failure.'],
  ['2', 'Wrong usage: a flag, an argument or a spec.'],
  ['3', 'Not found.'],
  ['4', 'It exists already, or its state forbids that.'],
  ['5', 'No capacity.'],
  ['6', 'The core cannot be reached or started.'],
  ['7', 'Denied.'],
  ['124', 'Timeout.'],
  ['125', 'The core could not run the command, or its end could not be learned.'],
  ['126', 'The command was found in the sandbox but cannot be executed.'],
  ['127', 'The command was not found in the sandbox.'],
  ['128+n', 'Signal n ended the command.'],
  ['130', 'Interrupted or cancelled by the user.'],
  ['other', "The command's own code, from exec and from an attached run."],
];

export const environment: Rows = [
  ['FSB_HOST', 'Core to talk to, as --host. Default: FSB_CONTEXT, else as configured, else the local core.'],
  ['FSB_CONTEXT', 'Core to talk to, by its name, as --context.'],
  ['FSB_TOKEN', "Token for a core behind tls:// or a loopback tcp://. Goes before the context's."],
  ['FSB_TOKEN_FILE', "File with that token. Default: the context's."],
  ['FSB_CA', "File with the authorities that a core's certificate must come from. Default: the context's."],
  ['FSB_NAMESPACE', 'Namespace of the sandboxes, as --namespace.'],
  ['FSB_ROOT', 'One directory for all that a core keeps. Two roots are two independent cores.'],
  ['FSB_NO_AUTOSTART', '1: no command starts the local core.'],
  [
    'FSB_LOG_LEVEL',
    "Level of the core's log: trace, debug, info, warn, error, fatal, silent. Default: info.",
  ],
  ['FSB_DEBUG', '1: errors come with their stack.'],
  ['VISUAL, EDITOR', 'Editor for specs. Default: the first of nano, vim, vi.'],
  ['NO_COLOR', 'Anything: no colours. The same: TERM=dumb.'],
];

export const files: Rows = [
  ['/var/lib/fsb', "State of root's core: records, images, logs. Others: $XDG_STATE_HOME/fsb."],
  ['/run/fsb', "Sockets of root's core. Others: $XDG_RUNTIME_DIR/fsb."],
  ['/var/lib/fsb/core.log', "The core's own log."],
  [
    '/etc/fsb/registries.yaml',
    'Mirrors of registries and how they are reached. Others: $XDG_CONFIG_HOME/fsb/registries.yaml.',
  ],
  ['~/.fsb/config.json', 'Your own defaults: "config set".'],
  ['./.fsb/config.json', 'Those of a project, searched upwards to the root of its repository.'],
  ['~/.fsb/contexts', 'Cores by name, a file each: "context create".'],
  ['~/.local/state/fsb/edits', 'The last spec edited for each name.'],
  [
    '$(npm root -g)/fsb-ctl/docs',
    'The documents that are named here: configuration, events, output, security.',
  ],
  ['~/.cache/fsb-ctl', 'Compiled code, for a faster start. May be deleted at any time.'],
];

/** How values are written, by the placeholder that stands for them. */
export const values: Record<string, string> = {
  DURATION: 'DURATION is a number with a unit: 90s, 5m, 1h30m, 2d.',
  SIZE: 'SIZE is bytes, or a number with a unit: 512m, 1.5g, 64Ki.',
};
