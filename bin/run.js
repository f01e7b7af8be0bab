#!/usr/bin/env node
// Production entry. Until there is a bundle it runs the sources.
await import('./dev.js');
