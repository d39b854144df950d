import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare } from '#stages/prepare/index.ts';
import { corpusFile, jsonLines } from './corpus-file.ts';
import { sampleFolder } from './paths.ts';
import { runStage, type StageRun, type StageRunOptions } from './run-stage.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Files of a sample as the pipeline hands them to `prepare`. */
export function sampleFiles(name: 'mini' | 'banking77'): Record<string, readonly string[]> {
  const folder = sampleFolder(name);
  return {
    train: [join(folder, 'labelled.csv'), join(folder, 'unlabelled.jsonl')],
    validation: [join(folder, 'validation.jsonl')],
    test: [join(folder, 'test.jsonl')],
    ...teacherFilesOf(name),
  };
}

/** Tokenizer and config of a sample's teacher. */
export function teacherFilesOf(name: 'mini' | 'banking77'): Record<string, readonly string[]> {
  const teacher = join(sampleFolder(name), 'teacher');
  return {
    teacherTokenizer: [join(teacher, 'tokenizer.json')],
    teacherConfig: [join(teacher, 'config.json')],
    teacherTokenizerConfig: [join(teacher, 'tokenizer_config.json')],
    teacherSpecialTokens: [join(teacher, 'special_tokens_map.json')],
  };
}

/** A row of a small corpus; a label is left out where there is none. */
export interface SmallRow {
  readonly text: string;
  readonly label?: string | number | null;
  readonly id?: string;
}

/** Three small splits; `validation` is left out where a fraction makes it. */
export interface SmallCorpus {
  readonly train: readonly SmallRow[];
  readonly validation?: readonly SmallRow[];
  readonly test: readonly SmallRow[];
}

/** Runs `prepare` on a few rows with the teacher of the mini sample. */
export function prepareRows(corpus: SmallCorpus, options: StageRunOptions = {}): Promise<StageRun> {
  const folder = temporaryFolder();
  const written = (['train', 'validation', 'test'] as const).map((split) => {
    const rows = corpus[split];
    const files = rows === undefined ? [] : [corpusFile(folder, `${split}.jsonl`, jsonLines(rows))];
    return [split, files] as const;
  });
  const files = { ...Object.fromEntries(written), ...teacherFilesOf('mini'), ...options.files };
  return runStage(prepare, { ...options, files });
}

/** Parsed lines of a JSON Lines file of an output. */
export function readJsonLines(folder: string, name: string): Record<string, unknown>[] {
  const lines = readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean);
  return lines.map((line): Record<string, unknown> => JSON.parse(line));
}

/** Two labelled and one unlabelled train row, one row in each other split; nothing is wrong with it. */
export const smallCorpus: SmallCorpus = {
  train: [
    { text: 'where is my card', label: 'card_arrival' },
    { text: 'why was my payment declined', label: 'declined_card_payment' },
    { text: 'my top up failed' },
  ],
  validation: [{ text: 'has my card been sent', label: 'card_arrival' }],
  test: [{ text: 'my card is still not here', label: 'card_arrival' }],
};
