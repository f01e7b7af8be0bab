import { PYTHON } from './run/programs.ts';

/** How a language is written, compiled and run, in a directory of its own. */
export interface Language {
  /** The file that the code goes to. */
  file: string;
  compile?: Step;
  run: Step;
}

/** The first of the programs that the image has, with these arguments. */
export interface Step {
  programs: readonly string[];
  args: readonly string[];
}

const step = (programs: string | readonly string[], ...args: string[]): Step => ({
  programs: typeof programs === 'string' ? [programs] : programs,
  args,
});

const script = (file: string, ...programs: string[]): Language => ({ file, run: step(programs, file) });
const compiled = (file: string, compile: Step): Language => ({ file, compile, run: step('./app') });

export const languages: Readonly<Record<string, Language>> = {
  python: { file: 'main.py', run: step(PYTHON, '-u', 'main.py') },
  javascript: script('main.js', 'node', 'nodejs'),
  typescript: script('main.ts', 'tsx', 'ts-node', 'deno', 'bun'),
  bash: script('main.sh', 'bash'),
  sh: script('main.sh', 'sh'),
  c: compiled('main.c', step(['gcc', 'cc', 'clang'], '-O1', '-o', 'app', 'main.c', '-lm', '-pthread')),
  cpp: compiled(
    'main.cpp',
    step(['g++', 'c++', 'clang++'], '-std=c++17', '-O1', '-o', 'app', 'main.cpp', '-pthread'),
  ),
  go: compiled('main.go', step('go', 'build', '-o', 'app', 'main.go')),
  rust: compiled('main.rs', step('rustc', '-O', '-o', 'app', 'main.rs')),
  java: {
    file: 'Main.java',
    compile: step('javac', '-encoding', 'UTF-8', 'Main.java'),
    run: step('java', '-ea', 'Main'),
  },
  ruby: script('main.rb', 'ruby'),
  php: script('main.php', 'php'),
  perl: script('main.pl', 'perl'),
  lua: script('main.lua', 'lua', 'lua5.4', 'lua5.3'),
  r: script('main.R', 'Rscript'),
};

/** Other names that people give them. */
export const languageAliases: Readonly<Record<string, string>> = {
  py: 'python',
  python3: 'python',
  js: 'javascript',
  node: 'javascript',
  nodejs: 'javascript',
  ts: 'typescript',
  shell: 'sh',
  'c++': 'cpp',
  golang: 'go',
  rs: 'rust',
};
