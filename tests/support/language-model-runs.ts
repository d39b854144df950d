import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SPLITS, type Split } from '#datasets/example.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { prepare } from '#stages/prepare/index.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import type { EarlierArtifact } from '#stages/stage.ts';
import { sampleFolder } from './paths.ts';
import { runStage, type StageRun } from './run-stage.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Questions of the banking77 sample with the words of their intent, in the order of the file. */
export function bankQuestions(count: number): { readonly text: string; readonly target: string }[] {
  const lines = readFileSync(join(sampleFolder('banking77'), 'test.jsonl'), 'utf8').split('\n');
  // Intents stand together: every 30th row shows most of them.
  const chosen = lines.filter((line, index) => line !== '' && index % 30 === 0).slice(0, count);
  return chosen.map((line) => {
    const { text, label } = JSON.parse(line) as { text: string; label: string };
    return { text, target: label.toLowerCase().replaceAll('_', ' ') };
  });
}

/** The files of a corpus: text, or rows as JSON lines. */
export function corpusFiles(splits: Readonly<Record<Split, string | readonly object[]>>) {
  const folder = temporaryFolder();
  const file = (split: Split): [Split, string[]] => {
    const content = splits[split];
    const isText = typeof content === 'string';
    const path = join(folder, `${split}.${isText ? 'txt' : 'jsonl'}`);
    const lines = isText ? content : content.map((row) => JSON.stringify(row)).join('\n');
    writeFileSync(path, lines);
    return [split, [path]];
  };
  return Object.fromEntries(SPLITS.map(file));
}

/** The corpus as tokens of the teacher in a folder. */
export async function prepareFor(
  teacher: string,
  files: Readonly<Record<string, readonly string[]>>,
  config: object,
): Promise<StageRun> {
  const own = {
    teacherTokenizer: [join(teacher, 'tokenizer.json')],
    teacherConfig: [join(teacher, 'config.json')],
  };
  return runStage(prepare, { config, files: { ...files, ...own } });
}

/** Asks the teacher in a folder about a prepared corpus. */
export async function askTeacher(
  teacher: string,
  prepared: StageRun,
  config: Readonly<Record<string, unknown>>,
  earlier: readonly EarlierArtifact[] = [],
): Promise<StageRun> {
  const files = {
    model: [join(teacher, 'model.onnx')],
    modelConfig: [join(teacher, 'config.json')],
  };
  const settings = { device: 'cpu', threads: 2, ...config };
  const decisive = Object.entries(settings).filter(
    ([name]) => !softLabel.speedKnobs.includes(name),
  );
  const recipe = { config: Object.fromEntries(decisive), files: { model: ['teacher'] } };
  return runStage(softLabel, {
    config: settings,
    files,
    inputs: prepared.outputs,
    earlier,
    recipe,
  });
}

/** The tokens of each example of a split, and what is right at each asked place. */
export async function tokensOfSplit(prepared: StageRun, split: Split) {
  const table = await readTokens(prepared.outputs[`tokens/teacher/${split}`] ?? '');
  const { offsets, tokenIds, targets, answers } = table;
  const cut = (values: Int32Array | undefined, at: Int32Array | undefined, row: number) => [
    ...(values?.subarray(at?.[row], at?.[row + 1]) ?? []),
  ];
  return new Map(
    table.exampleIds.map((exampleId, row) => [
      exampleId,
      {
        tokenIds: cut(tokenIds, offsets, row),
        targetIds: cut(targets?.ids, targets?.offsets, row),
        originals: cut(answers?.originals, answers?.offsets, row),
        positions: cut(answers?.positions, answers?.offsets, row),
      },
    ]),
  );
}
