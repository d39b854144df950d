#!/usr/bin/env node
// The command line: makes Node read TypeScript, then hands over to cli.ts. Plain JavaScript, so that
// it can say what is missing on a fresh clone.
import './setup/node-version.mjs';
import fs from 'node:fs';
import path from 'node:path';

const project = path.resolve(import.meta.dirname, '..');

if (!fs.existsSync(path.join(project, 'node_modules/esbuild/package.json'))) {
  process.stderr.write(
    `error: the npm packages are not installed\n  fix: run npm start or npm run setup in ${project}\n`,
  );
  process.exit(2);
}
if (!fs.existsSync(path.join(project, 'node_modules/.native-setup.json'))) {
  // No error: what needs no student training works without TensorFlow.
  process.stderr.write(
    `note: the native libraries are not set up: run npm start or npm run setup in ${project}\n`,
  );
}

await import('#loader/register.mjs');
await import(new URL('./cli.ts', import.meta.url).href);
