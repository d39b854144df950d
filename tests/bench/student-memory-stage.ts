// Trains a student for a moment with the stage itself and prints what it said of its memory and what it took, in bytes.
// Usage: node --import ./cache/loader/register.mjs tests/bench/student-memory-stage.ts '{"config": {"architecture": "bag"}, "words": 30000, "length": 128}'
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { trainStudent } from '#stages/train-student/index.ts';
import { syntheticInputs } from '#tests/stages/train-student/synthetic-corpus.ts';
import { runStage } from '#tests/support/run-stage.ts';

const { config, words, length } = z
  .object({ config: z.record(z.string(), z.unknown()), words: z.int(), length: z.int() })
  .parse(JSON.parse(process.argv[2] ?? '{}'));
const inputs = await syntheticInputs({ rows: 320, words, length });
// What TensorFlow and Node take for themselves shows with the first training, so a tiny one goes first.
await trained(await syntheticInputs(), { hiddenSize: 8, layers: 1, batchSize: 2, steps: 2 });
const before = residentBytes();
const notes = await trained(inputs, { steps: 12 });
const peakBytes = process.resourceUsage().maxRSS * 1024 - before;
const [, stated = 'NaN'] = /training takes about ([\d.,]+) MB/.exec(notes.join('\n')) ?? [];
console.log(JSON.stringify({ statedBytes: 1e6 * Number(stated.replace(',', '')), peakBytes }));

async function trained(
  from: Readonly<Record<string, string>>,
  own: object,
): Promise<readonly string[]> {
  const settings = { ...config, device: 'cpu', evaluateEvery: 12, ...own };
  return (await runStage(trainStudent, { config: settings, inputs: from })).notes;
}

function residentBytes(): number {
  const [, kilobytes = 'NaN'] =
    /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kilobytes);
}
