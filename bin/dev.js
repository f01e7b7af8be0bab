#!/usr/bin/env node
// Development entry: runs the sources as they are.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register();
const { start } = await import('../src/main.ts');
process.exit(await start(fileURLToPath(new URL('..', import.meta.url))));
