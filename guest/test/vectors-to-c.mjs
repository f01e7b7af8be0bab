// Turns ../vectors.json into rows of C for codec_test.c: what the decoder must say of a frame of the core, and the call
// that must encode a frame of the guest.
import { readFileSync, writeFileSync } from 'node:fs';

const [source, target] = process.argv.slice(2);
const { valid, invalid } = JSON.parse(readFileSync(source, 'utf8'));
const quoted = (text) =>
  `"${[...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}"`;
const hex = (text) => Buffer.from(text).toString('hex') || '-';
const list = (values) => (values.length === 0 ? '-' : values.join(','));
const tailed = (data, tail) => data + (tail ? tail.byte.repeat(tail.count) : '');

/** The decoded fields in one line, as describe() in codec_test.c writes them. */
const describe = {
  HELLO: (f) => `version=${f.version} secret=${f.secret || '-'}`,
  SPAWN: (f) =>
    `tty=${+f.tty} stdin=${+f.stdin} discard=${+f.discardOutput} times=${+f.times} rows=${f.rows} columns=${f.columns} ` +
    `cwd=${hex(f.cwd)} user=${hex(f.user)} groups=${list(f.groups)} ` +
    `limits=${list(f.limits.map((l) => `${l.resource}:${l.soft}:${l.hard}`))} ` +
    `argv=${list(f.argv.map(hex))} environment=${list(f.environment.map(hex))}`,
  STDIN: (f, tail) => `offset=${f.offset} data=${tailed(f.data, tail)}`,
  STDIN_EOF: (f) => `offset=${f.offset}`,
  ACK: (f) => `stream=${f.stream} offset=${f.offset}`,
  SIGNAL: (f) => `number=${f.number} scope=${f.scope}`,
  RESIZE: (f) => `rows=${f.rows} columns=${f.columns}`,
  EXIT_ACK: () => '',
  PING: (f) => `token=${f.token}`,
  RESUME: (f) => `stdout=${f.stdout} stderr=${f.stderr}`,
};

const bool = (value) => (value ? 'true' : 'false');
const times = ({ open, fork, prepare, execute }) =>
  `(uint64_t[]){${open}u, ${fork}u, ${prepare}u, ${execute}u}`;
const output = (stream) => (f, tail) =>
  `encode_output(out, ${f.process}u, ${stream}, ${f.offset}u, "${tailed(f.data, tail)}")`;
const encode = {
  WELCOME: (f) => `frame_welcome(out, ${f.version})`,
  PROCESS: (f) =>
    `frame_process(out, ${f.process}u, &(struct process_report){${bool(f.exited)}, ${bool(f.tty)}, ` +
    `${bool(f.stdinOpen)}, ${f.pid}, ${f.stdinReceived}u, {${f.stdoutFirst}u, ${f.stderrFirst}u}, ` +
    `{${f.stdoutProduced}u, ${f.stderrProduced}u}})`,
  READY: () => 'frame_ready(out)',
  SPAWNED: (f) => `frame_spawned(out, ${f.process}u, ${f.pid}, ${f.times ? times(f.times) : 'NULL'})`,
  SPAWN_FAILED: (f) => `frame_spawn_failed(out, ${f.process}u, ${f.stage}, ${f.errno}, ${quoted(f.message)})`,
  STDOUT: output(1),
  STDERR: output(2),
  STDIN_ACK: (f) => `frame_input_ack(out, ${f.process}u, ${f.offset}u)`,
  STDIN_CLOSED: (f) => `frame_input_closed(out, ${f.process}u)`,
  EXIT: (f) =>
    `frame_exit(out, ${f.process}u, &(struct exit_report){${bool(f.kind)}, ${f.value}, ${bool(f.coreDumped)}, ` +
    `{${f.stdoutTotal}u, ${f.stderrTotal}u}, ${f.userMicroseconds}u, ${f.systemMicroseconds}u, ${f.peakKiB}u})`,
  PONG: (f) => `frame_pong(out, ${f.token}u)`,
  ERROR: (f) => `frame_error(out, ${f.code}, ${quoted(f.message)})`,
};

const rows = [];
for (const { name, from, hex: bytes, tail, frame } of valid) {
  const whole = tailed(bytes, tail);
  if (from === 'core') {
    const fields = describe[frame.type](frame, tail);
    rows.push(`DECODES(${quoted(name)}, "${whole}", FRAME_${frame.type}, ${frame.process}u, "${fields}")`);
  } else {
    rows.push(`ENCODES(${quoted(name)}, "${whole}", ${encode[frame.type](frame, tail)})`);
  }
}
for (const { name, from, hex: bytes, tail, code } of invalid) {
  if (from === 'core') rows.push(`REFUSED(${quoted(name)}, "${tailed(bytes, tail)}", ${code})`);
}
writeFileSync(target, `${rows.join('\n')}\n`);
