/**
 * `npm run bench:student [-- PART...] [--rounds 5] [--steps 20] [--only "bert 2x128"] [--threads 1] [--xla] [--no-compile]`:
 * how fast students learn, beside PyTorch, beside the eager step, beside a step without a teacher and beside one that asks the
 * teacher. Parts: steps, where, eager, kd, language, online, training, memory. DECANT_TORCH_PYTHON names a Python with
 * PyTorch.
 */
import { parseArgs } from 'node:util';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import { table } from './cache/measure.ts';
import { nameOf, stepCase, stepCases } from './student/cases.ts';
import { torchSeconds } from './student/contenders.ts';
import { ms, times } from './student/figures.ts';
import { besideAllTokens } from './student/language.ts';
import { memory } from './student/memory.ts';
import { besideOnline, trainingSeconds } from './student/online.ts';
import { peakFlops } from './student/peak.ts';
import { besideCrossEntropy, besideEager, steps } from './student/steps.ts';
import { startTorch } from './student/torch-worker.ts';
import { trainingSample } from './student/training-sample.ts';
import { groupNames, whereTimeGoes } from './student/where.ts';

/** Of a whole training, on both sides. */
const TRAINING_STEPS = 1500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '20' },
    rows: { type: 'string', default: '640' },
    only: { type: 'string', default: '' },
    threads: { type: 'string' },
    xla: { type: 'boolean', default: false },
    compile: { type: 'boolean', default: true },
  },
});
const [rounds, stepCount, rows] = [values.rounds, values.steps, values.rows].map(Number) as [
  number,
  number,
  number,
];
if (values.threads !== undefined) {
  // Of TensorFlow and of PyTorch, which read them when they start. One a library bears a busy machine best.
  const names = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'OMP_NUM_THREADS'];
  for (const name of names) process.env[name] = values.threads;
}
const wants = (part: string) => positionals.length === 0 || positionals.includes(part);
const { tf, version, device } = loadTensorflow({
  device: 'auto',
  sideBySide: !values.xla && !positionals.includes('language'),
});
const torch = wants('steps') || wants('training') ? await startTorch() : undefined;
const bench = { tf, torch, rounds, steps: stepCount, xla: values.xla, compile: values.compile };
const cases = stepCases.filter((given) => nameOf(given).startsWith(values.only));
console.log(
  `TensorFlow ${version} (${device}), ${torch?.what ?? 'no PyTorch'}; peak of matrix products ${(peakFlops(tf) / 1e9).toFixed(0)} GFLOP/s`,
);

if (wants('steps')) {
  const head = [
    'student, batch 32',
    'graph, ms',
    'XLA, ms',
    'PyTorch, ms',
    'compiled, ms',
    'graph beside the faster (aim 1.1 x)',
    'XLA beside it',
    'graph of peak',
    'XLA of peak',
    'PyTorch of peak',
  ];
  tell('A distillation step', head, await steps(bench, cases));
}
if (wants('where')) {
  const head = ['student, batch 32', 'operations, ms', ...groupNames];
  tell('Where the time of a step goes', head, whereTimeGoes(tf, cases, rounds));
}
if (wants('eager')) {
  const head = ['student', 'eager, ms', 'graph, ms', 'ratio (aim 2.2 x)'];
  tell('The recorded step beside the eager one', head, await besideEager(bench));
}
if (wants('kd')) {
  const head = ['classes', 'cross-entropy, ms', 'distillation, ms', 'dearer by', 'aim'];
  tell('A teacher in the loss', head, await besideCrossEntropy(bench));
}
if (wants('language')) {
  const head = [
    'student',
    'tokens',
    'cross-entropy, ms',
    'distillation, ms',
    'dearer by',
    'logits of all tokens, ms',
  ];
  tell('Language models, 30,522 classes, k = 64', head, await besideAllTokens(bench));
}
if (wants('online') || wants('training')) {
  const bert = { architecture: 'bert', hiddenSize: 128, layers: 2, learningRate: 1e-3 };
  const sample = await trainingSample(tf, rows, bert);
  if (wants('online')) {
    const head = [
      'teacher, ms',
      'step, ms',
      'online, ms',
      'cached, ms',
      'speed-up',
      'at best',
      'share (aim 95 %)',
      'wait for rows (aim 2 %)',
    ];
    tell(
      'Training from the cache beside a teacher in the loop',
      head,
      await besideOnline(sample, bench),
    );
  }
  if (wants('training')) {
    const usual = stepCase('bert', {
      layers: 2,
      hiddenSize: 128,
      maxLength: 64,
      vocabularySize: 30_522,
    });
    const ours = await trainingSeconds(sample, TRAINING_STEPS);
    const theirs = torch && (await torchSeconds(torch, usual, TRAINING_STEPS));
    const head = [
      'ours: buckets, trimmed vocabulary, s',
      'PyTorch: padded to 64, whole vocabulary, s',
      'ratio (aim 3 x)',
    ];
    const ratio = times((theirs ?? Number.NaN) / ours);
    const title = `A whole training of the sample, bert 2x128, ${TRAINING_STEPS} steps`;
    tell(title, head, [[ms(ours), ms(theirs), ratio]], 'one after the other');
  }
  await sample.teacher.close();
}
if (wants('memory')) {
  const head = ['steps', 'resident', 'tensors'];
  tell('Memory over 10,000 steps', head, memory(tf, 10_000));
}
torch?.close();

function tell(
  title: string,
  head: readonly string[],
  lines: readonly (readonly string[])[],
  how = `medians of ${rounds} interleaved rounds`,
): void {
  console.log(`\n${title}, ${how}\n${table(head, lines)}`);
}
