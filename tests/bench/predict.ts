/**
 * `npm run bench:predict [-- PART...] [--rows 40000] [--rounds 3]`: how many short texts a second a student of
 * 2 x 128 labels, end to end, and what a server with one feels. Parts: command, service.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ArchitectureName } from '#stages/students/student.ts';
import { loadStudent } from '#stages/students/student-service.ts';
import { repository } from '#tests/support/paths.ts';
import { table } from './cache/measure.ts';
import { sampleTexts, untrainedStudent } from './predict/student.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '40000' }, rounds: { type: 'string', default: '3' } },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
/** They come out together, when the threads have started. */
const FIRST_TEXTS = 1024;
const PRECISIONS: readonly Precision[] = ['float32', 'int8'];
const AIMS: Readonly<Record<Precision, string>> = { float32: '>= 8,000', int8: '>= 10,000' };
const wants = (part: string) => positionals.length === 0 || positionals.includes(part);
const architectures: readonly ArchitectureName[] = ['modernbert', 'bert', 'bag'];

if (wants('command')) {
  const texts = sampleTexts(rows);
  const lines: string[][] = [];
  for (const architecture of architectures) {
    for (const precision of PRECISIONS) {
      const folder = untrainedStudent(architecture);
      const took: { wallMs: number; firstMs: number }[] = [];
      for (let round = 0; round < rounds; round++)
        took.push(await predict(folder, precision, texts));
      took.sort((a, b) => a.wallMs - b.wallMs);
      const { wallMs, firstMs } = took[Math.floor(took.length / 2)] ?? {
        wallMs: NaN,
        firstMs: NaN,
      };
      const afterFirst = (rows - FIRST_TEXTS) / ((wallMs - firstMs) / 1000);
      lines.push([
        architecture,
        precision,
        `${(wallMs / 1000).toFixed(2)} s`,
        perSecond(rows / (wallMs / 1000)),
        perSecond(afterFirst),
        AIMS[precision],
      ]);
    }
  }
  const head = [
    'student of 2 x 128',
    'file',
    'whole command',
    'texts/s',
    'texts/s once it runs',
    'aim',
  ];
  console.log(
    `\n\`decant predict\` of ${rows} questions, medians of ${rounds}\n${table(head, lines)}`,
  );
}

if (wants('service')) {
  const folder = untrainedStudent();
  const lines: string[][] = [];
  for (const perSecondAsked of [0, 200, 1000]) {
    const { delays, latencies } = await serve(folder, perSecondAsked);
    lines.push([
      String(perSecondAsked),
      ...[delays.p50, delays.p99, delays.most, latencies.p50, latencies.p99].map((ms) =>
        Number.isFinite(ms) ? ms.toFixed(1) : '',
      ),
    ]);
  }
  const head = ['requests/s', 'loop delay p50, ms', 'p99', 'most', 'answer p50, ms', 'p99'];
  console.log(`\nEvent loop of a server while a student answers, 5 s each\n${table(head, lines)}`);
}

type Precision = 'float32' | 'int8';

/** Wall time of the whole command, and until its first lines came out. */
async function predict(folder: string, precision: Precision, texts: readonly string[]) {
  const start = performance.now();
  const program = join(repository, 'pipeline', 'decant.mjs');
  const child = spawn(
    process.execPath,
    [program, 'predict', '--student', folder, '--precision', precision],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let [firstMs, answered] = [NaN, 0];
  child.stdout.on('data', (chunk: Buffer) => {
    if (Number.isNaN(firstMs)) firstMs = performance.now() - start;
    for (const byte of chunk) if (byte === 10) answered += 1;
  });
  child.stdin.end(`${texts.join('\n')}\n`);
  const [code] = await once(child, 'close');
  if (code !== 0 || answered !== texts.length)
    throw new Error(`ended with ${code}: ${answered} answers`);
  return { wallMs: performance.now() - start, firstMs };
}

/** Requests at even times, one text each. */
async function serve(folder: string, perSecondAsked: number) {
  const student = await loadStudent(folder);
  const texts = sampleTexts(1000);
  await student.classify(texts.slice(0, 64));
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const latencies: number[] = [];
  const open: Promise<void>[] = [];
  const start = performance.now();
  for (let asked = 0; performance.now() - start < 5000; asked++) {
    if (perSecondAsked === 0) {
      await sleep(100);
      continue;
    }
    const due = start + (asked * 1000) / perSecondAsked;
    if (due > performance.now()) await sleep(due - performance.now());
    const sent = performance.now();
    const call = student.classify([texts[asked % texts.length] ?? '']);
    open.push(call.then(() => void latencies.push(performance.now() - sent)));
  }
  histogram.disable();
  await Promise.all(open);
  await student.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? NaN;
  return {
    delays: {
      p50: histogram.percentile(50) / 1e6,
      p99: histogram.percentile(99) / 1e6,
      most: histogram.max / 1e6,
    },
    latencies: { p50: at(0.5), p99: at(0.99) },
  };
}

function perSecond(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
