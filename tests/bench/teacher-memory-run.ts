// Runs stage one once and prints what it said of its memory and what it took, in bytes.
// Usage: node --import ./cache/loader/register.mjs tests/bench/teacher-memory-run.ts '{"config": ..., "files": ..., "inputs": ...}'
import { softLabel } from '#stages/soft-label/index.ts';
import { runStage } from '#tests/support/run-stage.ts';

const { notes } = await runStage(softLabel, JSON.parse(process.argv[2] ?? '{}'));
const [, stated = ''] = /memory: about ([\d,]+) MiB/.exec(notes.join('\n')) ?? [];
const statedBytes = Number(stated.replaceAll(',', '')) * 2 ** 20;
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ statedBytes, peakBytes }));
