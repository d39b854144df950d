// `npm start`: sets up what is missing, then `decant run` with the arguments of this program.
import './node-version.mjs';
import { setUp } from './setup.mjs';
import { runProgram } from './setup-error.mjs';

await runProgram(async () => {
  await setUp();
  process.argv.splice(2, 0, 'run');
  await import('#pipeline/decant.mjs');
  return 0;
});
