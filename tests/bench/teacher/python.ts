import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openCorpus } from '#datasets/corpus/open-corpus.ts';
import { exampleIdOf } from '#datasets/example-id.ts';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import { keepOf } from '#stages/soft-label/settings.ts';
import { openTeacher, type Teacher } from '#stages/soft-label/teacher.ts';
import type { TeacherRow } from '#stages/soft-label/teacher-rows.ts';
import { findPython } from '#tests/bench/cache/pyarrow.ts';
import { repository, sampleFolder } from '#tests/support/paths.ts';
import { runProgram } from '#tests/support/python.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { type BenchSample, median, settings, shardsOf, takeTurns, timeCapture } from './rows.ts';

const THREADS = 2;

/** The same job in Python beside ours: texts in, rows of top 10 on the disk; loading the model is not timed. */
export async function besidePython(
  { model, classNames }: BenchSample,
  rounds: number,
  rowCount: number,
): Promise<string[][] | string> {
  const script = join(repository, '..', 'shared', 'peers', 'peer_capture.py');
  if (!existsSync(script)) return `left out: ${script} is not there`;
  const found = findPython();
  if ('reason' in found) return `left out: ${found.reason}`;
  const keep = keepOf(settings, classNames.length);
  const teacher = await openTeacher(model, {
    device: 'cpu',
    threads: THREADS,
    keep,
    padTokenId: 0,
  });
  const peer = (variant: string) => () => timePeer(found.python, script, variant, rowCount);
  const times = await takeTurns(
    {
      'in Python, as usual (arrival order, padded to 128)': peer('naive'),
      'in Python, length buckets, overlapped': peer('good'),
      Decant: () => timeOurs(teacher, classNames, rowCount),
    },
    rounds,
  );
  await teacher.close();
  const ours = median(times.get('Decant') ?? []);
  return [...times].map(([name, values]) => {
    const ms = median(values);
    const rate = (rowCount / (ms / 1000)).toFixed(0);
    return [name, (ms / 1000).toFixed(2), rate, `${(ms / ours).toFixed(2)} x`];
  });
}

async function timePeer(python: string, script: string, variant: string, rowCount: number) {
  const folder = temporaryFolder();
  const args = {
    model: join(sampleFolder('banking77'), 'teacher'),
    corpus: corpusPath(),
    out: folder,
    variant,
    temperatures: settings.temperatures.join(),
    threads: `${THREADS}`,
    limit: `${rowCount}`,
  };
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]);
  const { code, stdout, stderr } = await runProgram(python, [script, ...flags]);
  await rm(folder, { recursive: true, force: true });
  const seconds = /"wall_s": ([\d.]+)/.exec(stdout)?.[1];
  if (code !== 0 || seconds === undefined) throw new Error(`${script}: ${stderr || stdout}`);
  return Number(seconds) * 1000;
}

async function timeOurs(teacher: Teacher, classNames: readonly string[], rowCount: number) {
  const texts: string[] = [];
  const columns = { text: 'text', label: 'label', id: 'id' };
  for await (const entry of openCorpus(corpusPath(), columns)) {
    if (entry.type === 'row' && texts.length < rowCount) texts.push(entry.row.text);
  }
  const path = join(sampleFolder('banking77'), 'teacher', 'tokenizer.json');
  const tokenizer = await openTokenizer(path, settings.maxLength);
  const folder = temporaryFolder();
  const start = performance.now();
  const rows: TeacherRow[] = [];
  for (let from = 0; from < texts.length; from += 1000) {
    const part = texts.slice(from, from + 1000);
    const encoded = await tokenizer.encode(part.map((text) => ({ text, textPair: null })));
    for (const [index, { ids }] of encoded.entries()) {
      const text = part[index] ?? '';
      const exampleId = exampleIdOf(text);
      const tokenIds = Int32Array.from(ids);
      rows.push({ exampleId, split: 'train', sourceId: null, text, tokenIds, typeIds: null });
    }
  }
  const tokenised = performance.now() - start;
  const keep = keepOf(settings, classNames.length);
  const captured = await timeCapture(shardsOf(rows, folder), teacher, { keep, classNames });
  await rm(folder, { recursive: true, force: true });
  return tokenised + captured;
}

function corpusPath(): string {
  return join(sampleFolder('banking77'), 'unlabelled.jsonl');
}
