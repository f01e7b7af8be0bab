#!/usr/bin/env node

// Development entry: runs the sources as they are.
const { dirname } = require('node:path');

async function runSources() {
  const { register } = await import('tsx/esm/api');
  register();
  const { start } = await import('../src/main.ts');
  process.exit(await start(dirname(__dirname)));
}

runSources();
