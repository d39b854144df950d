/**
 * `npm run bench:teacher [-- PART...] [--rounds 5] [--rows 3000]`: how much of the teacher's speed is left
 * when its words are kept, and what the same job takes elsewhere. Parts: overhead (`--case dense`: of one way of keeping),
 * device, lengths, memory, python.
 */
import { parseArgs } from 'node:util';
import { table } from './cache/measure.ts';
import { lengths } from './teacher/lengths.ts';
import { growth, memory } from './teacher/memory.ts';
import { overheads } from './teacher/overhead.ts';
import { besidePython } from './teacher/python.ts';
import { benchSample } from './teacher/rows.ts';
import { simulated } from './teacher/simulated.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    rows: { type: 'string', default: '3000' },
    case: { type: 'string', default: '' },
  },
});
const [rounds, rows] = [Number(values.rounds), Number(values.rows)];
const wants = (part: string) => positionals.length === 0 || positionals.includes(part);
const sample = await benchSample();

if (wants('overhead')) {
  const beside = ['bare run, s', 'of it', 'half of the turns', 'CPU of it', "of the user's graph"];
  const head = ['what is kept', 'rows', 'turns', ...beside, 'CPU outside of runs', 'aim of it'];
  const options = { rounds, rowLimit: rows, wanted: values.case };
  tell('Capture beside bare session.run', head, await overheads(sample, options));
}
if (wants('device')) {
  const rates = ['ceiling, tokens/s', 'pipeline, tokens/s'];
  const idle = ['idle at the start', 'between', 'at the end'];
  const head = ['device, tokens/s', 'k', 'batches', ...rates, ...idle, 'kept', 'aim'];
  const cases = [
    { rate: 300_000, topK: 32, aim: '' },
    { rate: 300_000, topK: 8, aim: '>= 95 %' },
    { rate: 1_000_000, topK: 8, aim: '>= 80 %' },
  ];
  tell('A simulated device, a row a token', head, await simulated(sample, rounds, cases));
}
if (wants('lengths')) {
  const head = ['batches', 'count', 'padding', 'tokens/s', 'ratio (aim 2.5 x)'];
  tell('Mixed lengths, the teacher alone', head, await lengths(sample, rounds, rows));
}
if (wants('memory')) {
  const head = ['classes', 'rows', 'tokenBudget', 'stated before', 'taken', 'apart (aim 20 %)'];
  tell('Peak memory of stage one, its process as a whole', head, await memory(sample, rows));
  const columns = ['rows', 'stated before', 'taken', 'apart (aim 20 %)', 'more a further row'];
  const counts = [10_000, 100_000, 1_000_000];
  tell('Peak memory and rows, the smallest teacher', columns, await growth(counts));
}
if (wants('python')) {
  const head = ['texts to rows on the disk', 'seconds', 'rows/s', 'time beside ours'];
  const lines = await besidePython(sample, rounds, rows);
  if (typeof lines === 'string') console.log(`\nPython: ${lines}`);
  else tell('The same job in Python (aims 5 x and 1 x)', head, lines);
}

function tell(title: string, head: readonly string[], lines: readonly (readonly string[])[]): void {
  console.log(`\n${title}, medians of ${rounds} interleaved rounds\n${table(head, lines)}`);
}
