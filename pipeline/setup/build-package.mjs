// What `npm pack` runs first: `dist` is what it takes from the checkout.
import './node-version.mjs';
import fs from 'node:fs';
import path from 'node:path';
import { buildInto } from './build.mjs';
import { projectFolder } from './places.mjs';
import { runProgram } from './setup-error.mjs';

await runProgram(async () => {
  const dist = path.join(projectFolder, 'dist');
  fs.rmSync(dist, { recursive: true, force: true });
  await buildInto(dist);
  return 0;
});
