import { join } from 'node:path';
import { Failure } from '#cache/failure.ts';
import type { Example, StoredExample } from '#datasets/example.ts';
import { readExamples } from '#datasets/examples.ts';
import type { RobustnessSlice } from '#datasets/metrics/slice-metrics.ts';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import { inputOf } from '#stages/folders.ts';
import { randomFor } from '#stages/numerics/random.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { textCutOf } from '#stages/students/student-folder.ts';
import { type Augmentation, augmentTexts } from '#stages/texts/augment-text.ts';
import { tokenise } from '#stages/texts/tokenise.ts';
import type { Figures, JudgedRows } from './judged.ts';
import type { EvaluateConfig } from './settings.ts';

/** The store keeps no texts that could be changed. */
export class NoTextsError extends Failure {
  constructor(exampleId: string) {
    super(
      'usage',
      'E_ROBUSTNESS_TEXTS',
      `evaluate.robustness changes the texts of the test rows, and the store has no text of ${exampleId}`,
      'set privacy.storeTexts: true, or leave evaluate.robustness out',
    );
  }
}

/**
 * How a student answers changed texts: seeded by row and name, scored against the gold of the unchanged ones.
 * `ask` runs the student over the tokens of the changed rows, which go by the ids of the rows they were made from.
 */
export async function* robustnessSlices(
  context: StageContext<EvaluateConfig>,
  clean: JudgedRows,
  {
    maxLength,
    ask,
  }: {
    readonly maxLength: number;
    readonly ask: (tokens: TokenTable) => AsyncGenerator<StageEvent, JudgedRows, void>;
  },
): AsyncGenerator<StageEvent, RobustnessSlice[], void> {
  const { robustness = {}, seed = 1 } = context.config;
  const examples = (await readExamples(inputOf(context, 'inputs/test'))).map(withText);
  const student = inputOf(context, 'student');
  const path = join(student, 'tokenizer.json');
  const tokenizer = await openTokenizer(path, maxLength, await textCutOf(student));
  const before = clean.figuresOf([...clean.exampleIds.keys()]);
  const slices: RobustnessSlice[] = [];
  for (const [name, augmentation] of Object.entries(robustness)) {
    const changed = examples.map((example) => changedText(example, augmentation, { seed, name }));
    const judged = yield* ask(await returned(tokenise(changed, tokenizer, context.signal)));
    const figures = judged.figuresOf([...judged.exampleIds.keys()]);
    slices.push({
      name,
      rows: judged.exampleIds.length,
      changed: changedRows(examples, changed, new Set(judged.exampleIds)),
      figures,
      drops: dropsOf(before, figures),
    });
  }
  return slices;
}

function withText(example: StoredExample): Example {
  if (example.text === null) throw new NoTextsError(example.exampleId);
  return { ...example, text: example.text };
}

function changedText(
  example: Example,
  augmentation: Augmentation,
  { seed, name }: { readonly seed: number; readonly name: string },
): Example {
  const random = randomFor(seed, `robustness ${name} of ${example.exampleId}`);
  return { ...example, ...augmentTexts(example, augmentation, random) };
}

function changedRows(
  examples: readonly Example[],
  changed: readonly Example[],
  measured: ReadonlySet<string>,
): number {
  return examples.filter(
    (example, row) =>
      measured.has(example.exampleId) &&
      (example.text !== changed[row]?.text || example.textPair !== changed[row].textPair),
  ).length;
}

/** What is lost, figure by figure; of errors it is negative where they grow. */
function dropsOf(before: Figures, after: Figures): Figures {
  return Object.fromEntries(
    Object.entries(before).map(([name, value]) => {
      const now = after[name] ?? null;
      return [name, value === null || now === null ? null : value - now];
    }),
  );
}

async function returned<Result>(steps: AsyncGenerator<unknown, Result, void>): Promise<Result> {
  for (;;) {
    const next = await steps.next();
    if (next.done === true) return next.value;
  }
}
