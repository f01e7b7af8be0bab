/** A core that has something running and kills itself; run by launcher.test.ts. */
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '../../../src/core/model/clock.ts';
import { Launcher } from '../../../src/core/runtime/oci/launcher/launcher.ts';

const [, , binary, script, mark] = process.argv;
watch(dirname(mark!), () => process.kill(process.pid, 'SIGKILL'));
await new Launcher(binary!, systemClock).run(['run', 'sh', '-c', script!], { timeoutMs: 60_000 });
