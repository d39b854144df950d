import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { STDIN } from '#datasets/corpus/byte-source.ts';
import { readJsonl } from '#datasets/corpus/jsonl.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import {
  openTokenizer,
  type TextTokenizer,
  type TokenizerInput,
} from '#datasets/tokens/tokenizer.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import { EXIT_CODES } from '#pipeline/failures.ts';
import { type Drift, populationDrift } from '#stages/numerics/drift.ts';
import {
  BASELINE_FILE,
  type Baseline,
  binned,
  classShares,
  type ObservedText,
  observedTokens,
  parseBaseline,
  unknownTokenId,
} from '#stages/students/baseline.ts';
import { readStudentFolder } from '#stages/students/student-folder.ts';

export interface MonitorOptions {
  readonly student: string;
  /** Largest PSI above what chance gives. */
  readonly threshold: number;
}

/** The student carries nothing to compare with. */
class NoBaselineError extends Failure {
  constructor(folder: string, problem: string) {
    super(
      'model',
      'E_BASELINE',
      `${join(folder, BASELINE_FILE)}: ${problem}`,
      'export the student again: decant run --force export-student (students that give whole texts labels have a baseline)',
    );
  }
}

/** What the student says is no label of a whole text. */
class NothingToMonitorError extends Failure {
  constructor(folder: string, says: string) {
    super(
      'usage',
      'E_STUDENT_TASK',
      `${folder}: monitor compares the labels of whole texts, and this student ${says}`,
      'measure it on labelled rows instead: add them to corpus.test and decant run evaluate',
    );
  }
}

class PredictionsError extends Failure {
  constructor(file: string, line: number, problem: string) {
    super(
      'data',
      'E_PREDICTIONS',
      `${file}, line ${line}: ${problem}`,
      'write it with decant predict --json, or rows of { "text", "label", "confidence" }, of a student of pairs with "text_pair"',
    );
  }
}

/** One thing that is watched. */
interface Watched extends Drift {
  readonly what: 'classes' | 'confidence' | 'length' | 'unknown';
  readonly drifted: boolean;
}

/** How predictions differ from what the student said and met on validation. */
export interface MonitorFindings {
  readonly rows: number;
  readonly threshold: number;
  readonly watched: readonly Watched[];
}

/** `decant monitor`: prints what has drifted; returns 4 where something has. */
export async function monitorCommand(
  file: string,
  { json, ...options }: MonitorOptions & { readonly json?: boolean },
): Promise<number> {
  const found = await driftIn(file, options);
  process.stdout.write(`${json === true ? JSON.stringify(found, null, 1) : describe(found)}\n`);
  return found.watched.some(({ drifted }) => drifted) ? EXIT_CODES.gate : EXIT_CODES.done;
}

/** Compares a file of predictions (JSON Lines; `-`: stdin) with the baseline that the student carries. */
export async function driftIn(
  file: string,
  { student: named, threshold }: MonitorOptions,
): Promise<MonitorFindings> {
  const folder = resolve(named);
  const student = await readStudentFolder(folder);
  if (student.task === 'token-classification')
    throw new NothingToMonitorError(folder, 'names words');
  if (student.task === 'regression') throw new NothingToMonitorError(folder, 'gives numbers');
  const baseline = baselineIn(folder);
  const tokenizer = await openTokenizer(student.tokenizer, student.maxLength, student.cut);
  const unknownId = await unknownTokenId(folder);
  const texts = await observedIn(file === '-' ? STDIN : file, {
    tokenizer,
    unknownId,
    classNames: student.classNames,
    readsPairs: student.readsPairs,
  });
  return { rows: texts.length, threshold, watched: driftOf(baseline, texts, threshold) };
}

function driftOf(baseline: Baseline, texts: readonly ObservedText[], threshold: number): Watched[] {
  const classNames = baseline.classes.map(({ label }) => label);
  const watch = (
    what: Watched['what'],
    expected: readonly number[],
    shares: number[],
    rows: number,
  ) => {
    const drift = populationDrift({ shares: expected, rows: baseline.rows }, { shares, rows });
    return { what, ...drift, drifted: drift.psi - drift.byChance > threshold };
  };
  const numbers = (what: 'confidence' | 'length' | 'unknown') => {
    const of = { confidence: 'confidence', length: 'length', unknown: 'unknownShare' } as const;
    const values = texts.map((text) => text[of[what]]).filter((value) => value !== null);
    // Without texts there is nothing to say of their length.
    if (values.length === 0) return [];
    const { edges, shares } = baseline[what];
    return [watch(what, shares, binned(values, edges).shares, values.length)];
  };
  const shares = baseline.classes.map(({ share }) => share);
  return [
    watch('classes', shares, classShares(texts, classNames), texts.length),
    ...numbers('confidence'),
    ...numbers('length'),
    ...numbers('unknown'),
  ];
}

/** Rows of predictions, with what the student's tokenizer makes of their texts. */
async function observedIn(
  file: string,
  student: {
    readonly tokenizer: TextTokenizer;
    readonly unknownId: number | undefined;
    readonly classNames: readonly string[];
    readonly readsPairs: boolean;
  },
): Promise<ObservedText[]> {
  const known = new Set(student.classNames);
  const rows: PredictedRow[] = [];
  for await (const found of readJsonl(file)) {
    if ('type' in found) {
      if (found.type === 'reject')
        throw new PredictionsError(file, found.reject.line, found.reject.reason);
      continue;
    }
    const { line, values } = found;
    const { label, confidence, text, text_pair: textPair } = values;
    if (typeof label !== 'string' || !known.has(label)) {
      const hint = hintFor(String(label), student.classNames);
      throw new PredictionsError(file, line, `"label" is ${JSON.stringify(label)}; ${hint}`);
    }
    if (typeof confidence !== 'number' || !(confidence >= 0 && confidence <= 1)) {
      throw new PredictionsError(
        file,
        line,
        `"confidence" is ${JSON.stringify(confidence)}, not 0 to 1`,
      );
    }
    const input = typeof text === 'string' ? { text, textPair: pairIn(textPair) } : null;
    if (input !== null && (input.textPair !== null) !== student.readsPairs) {
      const problem = student.readsPairs
        ? 'has a "text" and no "text_pair", and this student learned from pairs'
        : 'has a "text_pair", and this student learned from single texts';
      throw new PredictionsError(file, line, problem);
    }
    rows.push({ label, confidence, input });
  }
  if (rows.length === 0) throw new PredictionsError(file, 1, 'there is no prediction');
  const observed: ObservedText[] = [];
  for (let from = 0; from < rows.length; from += GROUP_TEXTS) {
    const group = rows.slice(from, from + GROUP_TEXTS);
    const inputs = group.map(({ input }) => input ?? { text: '', textPair: null });
    const encoded = await student.tokenizer.encode(inputs);
    for (const [index, { label, confidence, input }] of group.entries()) {
      const tokens = observedTokens(encoded[index]?.ids ?? [], student.unknownId);
      const ofText = input === null ? { length: null, unknownShare: null } : tokens;
      observed.push({ label, confidence, ...ofText });
    }
  }
  return observed;
}

interface PredictedRow extends Pick<ObservedText, 'label' | 'confidence'> {
  /** Null where the row does not tell its text. */
  readonly input: TokenizerInput | null;
}

function pairIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function baselineIn(folder: string): Baseline {
  const file = join(folder, BASELINE_FILE);
  if (!existsSync(file)) throw new NoBaselineError(folder, 'there is no such file');
  try {
    return parseBaseline(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new NoBaselineError(folder, error instanceof Error ? error.message : String(error));
  }
}

function describe(found: MonitorFindings): string {
  const lines = found.watched.map(({ what, psi, byChance, drifted }) => [
    NAMES[what],
    psi.toFixed(3),
    byChance.toFixed(3),
    drifted ? 'drifted' : '',
  ]);
  const head = ['of', 'PSI', 'by chance', ''];
  return `${found.rows} predictions against validation; a PSI of more than ${found.threshold} above chance is drift\n${textTable(head, lines)}`;
}

const NAMES = {
  classes: 'predicted classes',
  confidence: 'confidence',
  length: 'tokens of a text',
  unknown: 'unknown tokens',
} as const;

const GROUP_TEXTS = 512;
