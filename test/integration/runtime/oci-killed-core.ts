/** A core that boots without end and kills itself after so many milliseconds; run by the test next to it. */
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { systemClock } from '../../../src/core/model/clock.ts';
import { newInstanceId } from '../../../src/core/model/ids.ts';
import { createOciDriver } from '../../../src/core/runtime/oci/oci-driver.ts';

const [, , file, ms] = process.argv;
const { options, root, shape } = JSON.parse(readFileSync(file!, 'utf8'));
const driver = createOciDriver({ ...options, log: pino({ level: 'silent' }), clock: systemClock });
await driver.list();
setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(ms));
await Promise.all([1, 2, 3].map(() => driver.boot({ id: newInstanceId(), shape, root })));
setInterval(() => undefined, 1000);
