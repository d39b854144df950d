import { type Example, SPLITS } from '#datasets/example.ts';
import { exampleIdOf, leakKeyOf } from '#datasets/example-id.ts';
import { isForgotten, readTombstones } from '#datasets/tombstones.ts';
import type { View } from '#datasets/views.ts';
import { randomFor } from '#stages/numerics/random.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { type Augmentation, augmentTexts } from '#stages/texts/augment-text.ts';
import type { PrepareConfig } from './config.ts';
import type { CutCorpus } from './cut-corpus.ts';

/** Changed forms of the train rows, for the teacher to speak about too. */
export interface ViewSet {
  /** Each text once, split `train`, with the source id of the row that it was first made from. */
  readonly examples: readonly Example[];
  readonly views: readonly View[];
}

/**
 * Makes the views that are asked for; none where no augmentation is. Each depends on the seed, the row's id
 * and the number of the view alone, so that a corpus may grow and augmentations be added at the end. A view is
 * left out where it says nothing new, or what the students are measured by.
 */
export async function* makeViews(
  { config, files }: StageContext<PrepareConfig>,
  { splits }: CutCorpus,
): AsyncGenerator<StageEvent, ViewSet, void> {
  const { augmentations = [], seed } = config;
  if (augmentations.length === 0) return { examples: [], views: [] };
  const forgotten = await readTombstones(files['tombstones']?.[0] ?? '');
  const taken = takenTexts(splits, config.leaks);
  const examples = new Map<string, Example>();
  const views: View[] = [];
  const left = { unchanged: 0, known: 0, leaks: 0 };
  for (const original of splits.train.examples) {
    for (const [index, augmentation] of augmentations.entries()) {
      const example = viewOf(original, augmentation, { seed, view: index + 1 });
      const leakKey = leakKeyOf(example.text, example.textPair);
      if (leakKey === leakKeyOf(original.text, original.textPair)) left.unchanged += 1;
      else if (taken.train.has(example.exampleId)) left.known += 1;
      else if (taken.measured(example.exampleId, leakKey)) left.leaks += 1;
      else if (!isForgotten(forgotten, { exampleId: example.exampleId, leakKey })) {
        if (!examples.has(example.exampleId)) examples.set(example.exampleId, example);
        views.push({ exampleId: example.exampleId, of: original.exampleId, view: index + 1 });
      }
    }
  }
  yield* viewEvents(augmentations.length, examples.size, left);
  return { examples: [...examples.values()], views };
}

function viewOf(
  original: Example,
  augmentation: Augmentation,
  { seed, view }: { readonly seed: number; readonly view: number },
): Example {
  const random = randomFor(seed, `view ${view} of ${original.exampleId}`);
  const { text, textPair } = augmentTexts(original, augmentation, random);
  return { ...original, exampleId: exampleIdOf(text, textPair), text, textPair, weight: 1 };
}

function takenTexts(splits: CutCorpus['splits'], rule: PrepareConfig['leaks']) {
  const [train, validation, test] = SPLITS.map((split) => splits[split].examples);
  const measured = [...(validation ?? []), ...(test ?? [])];
  const ids = new Set(measured.map(({ exampleId }) => exampleId));
  const keys = new Set(measured.map(({ text, textPair }) => leakKeyOf(text, textPair)));
  return {
    train: new Set((train ?? []).map(({ exampleId }) => exampleId)),
    measured: (exampleId: string, leakKey: string) =>
      ids.has(exampleId) || (rule === 'near' && keys.has(leakKey)),
  };
}

function* viewEvents(
  perRow: number,
  made: number,
  left: { readonly unchanged: number; readonly known: number; readonly leaks: number },
): Generator<StageEvent, void, void> {
  yield { type: 'count', name: 'views', value: made };
  yield { type: 'count', name: 'viewLeaks', value: left.leaks };
  const count = (value: number) => value.toLocaleString('en-US');
  const message = `${count(made)} texts are views of train rows, ${perRow} a row; left out: ${count(left.unchanged)} that change nothing, ${count(left.known)} that are train rows, ${count(left.leaks)} that validation or test has`;
  yield { type: 'note', message };
}
