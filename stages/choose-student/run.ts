import { cp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { type Choice, reasonOf, writeChoice } from '#datasets/choice.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { ChooseStudentConfig } from './settings.ts';
import { smallestGood } from './smallest-good.ts';
import { validationScore } from './validation-score.ts';

/** Takes the smallest of several students that is as good as the best of them on validation. */
export async function* runChooseStudent(
  context: StageContext<ChooseStudentConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const choice = await chosenOf(context);
  if (choice.candidates.length > 1) yield { type: 'note', message: reasonOf(choice) };
  await writeChoice(outputOf(context, 'choice'), choice);
  for (const output of ['student', 'predictions', 'log']) {
    context.signal.throwIfAborted();
    const from = inputOf(context, `${output}.${choice.chosen}`);
    await cp(from, outputOf(context, output), { recursive: true });
  }
}

/** Without gold labels on validation nothing says which student is better. */
class NothingToChooseByError extends Failure {
  constructor() {
    super(
      'data',
      'E_NOTHING_TO_CHOOSE_BY',
      'architecture: auto compares students on labelled validation rows, and no row of corpus.validation has a label',
      'label some of them, or name the architecture',
    );
  }
}

async function chosenOf(context: StageContext<ChooseStudentConfig>): Promise<Choice> {
  const { candidates: names, task } = context.config;
  const [only = ''] = names;
  if (names.length === 1) {
    const alone = { figure: 'accuracy', rows: 0, margin: 0, candidates: [] } as const;
    return { formatVersion: 1, chosen: only, ...alone, candidates: [] };
  }
  const candidates: Choice['candidates'] = [];
  let measured: Pick<Choice, 'figure' | 'rows'> | undefined;
  for (const name of names) {
    const predictions = await readPredictions(
      inputOf(context, `predictions.${name}`),
      'validation',
    );
    const score = await validationScore(predictions, inputOf(context, 'labels/validation'), task);
    if (score === null) throw new NothingToChooseByError();
    const { figure, rows, value, standardError } = score;
    measured = { figure, rows };
    const { size } = await stat(join(inputOf(context, `student.${name}`), 'onnx', 'model.onnx'));
    candidates.push({ name, value, standardError, fileBytes: size, isGoodEnough: false });
  }
  const { figure, rows } = measured ?? { figure: 'accuracy', rows: 0 };
  const isError = figure === 'meanSquaredError';
  const { name, goodEnough, margin } = smallestGood(
    candidates.map(({ value, ...rest }) => ({ ...rest, score: isError ? -value : value })),
    isError ? 0 : TOLERANCE,
  );
  return {
    formatVersion: 1,
    figure,
    rows,
    margin,
    candidates: candidates.map((one) => ({ ...one, isGoodEnough: goodEnough.includes(one.name) })),
    chosen: name,
  };
}

/** Half a point: less than that is worth no larger file. */
const TOLERANCE = 0.005;
