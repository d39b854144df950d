import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import { succeed } from '#tests/support/cli-result.ts';
import { writeMaskedLanguageModel } from '#tests/support/masked-language-model.ts';
import { type MiniProject, runCli } from '#tests/support/mini-project.ts';
import { sharedFolder } from '#tests/support/paths.ts';
import { runPython } from '#tests/support/python.ts';
import { cook } from '#tests/support/recipe.ts';
import { snips } from '#tests/support/slot-sets.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { untrainedTagger, WNUT_CLASSES, wordProject } from '#tests/support/word-project.ts';

const shared = sharedFolder();
const skip = shared === undefined && 'there is no ../shared beside the checkout';
const training = { layers: 1, hiddenSize: 32, heads: 2, steps: 4, evaluateEvery: 4, batchSize: 8 };
const variants = { modernbert: { architecture: 'modernbert' }, bert: { architecture: 'bert' } };

/** What the Auto classes make of an exported folder. */
interface Loaded {
  readonly model: string;
  readonly leftOver: readonly string[];
  readonly rows: number;
  readonly difference: number;
}

async function assertLoads(folder: string, autoClass: string, model: string): Promise<void> {
  const found = await runPython<Loaded>('transformers/load_exported.py', folder, autoClass);
  assert.deepEqual([found.model, found.leftOver], [model, []]);
  assert.ok(found.rows > 0 && found.difference <= 1e-4, `logits: ${found.difference}`);
}

/** The folder that a run of the project exports this variant to. */
async function exported(project: MiniProject, variant: string): Promise<string> {
  const { student } = JSON.parse(
    await succeed(project, 'run', '--json', '--set', `export.variant=${variant}`),
  );
  return student;
}

describe('transformers takes exported students of every task, and says what their ONNX says', {
  skip,
}, () => {
  test('words with labels', async () => {
    const sizes = { train: 60, validation: 20, test: 20 };
    const project = wordProject(untrainedTagger(WNUT_CLASSES), sizes, {
      student: training,
      variants,
    });
    for (const [variant, model] of [
      ['modernbert', 'ModernBertForTokenClassification'],
      ['bert', 'BertForTokenClassification'],
    ] as const) {
      const folder = await exported(project, variant);
      await assertLoads(folder, 'AutoModelForTokenClassification', model);
    }
  });

  test('masked language models', async () => {
    const folder = temporaryFolder('decant-masked');
    const book = readFileSync(join(shared ?? '', 'data', 'moby-dick', 'moby-dick.txt'), 'utf8');
    const parts = { train: [60_000, 66_000], validation: [66_000, 68_000], test: [68_000, 70_000] };
    for (const [split, [from, to]] of Object.entries(parts)) {
      writeFileSync(join(folder, `${split}.txt`), book.slice(from, to));
    }
    const settings = {
      task: 'masked-lm',
      corpus: { train: 'train.txt', validation: 'validation.txt', test: 'test.txt' },
      teacher: { model: 'teacher', maxLength: 64 },
      'soft-label': { topK: 8, temperatures: [1] },
      student: { ...training, temperature: 1 },
      variants,
    };
    writeFileSync(join(folder, 'decant.yaml'), stringify(settings));
    writeMaskedLanguageModel(join(folder, 'teacher'));
    const project: MiniProject = {
      folder,
      decant: (...args) => runCli(args, folder),
      path: (...part) => join(folder, ...part),
    };
    for (const [variant, model] of [
      ['modernbert', 'ModernBertForMaskedLM'],
      ['bert', 'BertForMaskedLM'],
    ] as const) {
      await assertLoads(await exported(project, variant), 'AutoModelForMaskedLM', model);
    }
  });

  for (const task of ['multi-label', 'regression'] as const) {
    test(task, async () => {
      const rows = (part: 'train' | 'validate') =>
        (snips(part, 10) ?? []).map(({ text, slots, slotShare }) => ({
          text,
          label: task === 'regression' ? slotShare : slots.filter((slot) => known.has(slot)),
        }));
      const known = new Set(snips('train', 10)?.flatMap(({ slots }) => slots));
      const held = rows('validate');
      const splits = { train: rows('train'), validation: held.slice(0, 30), test: held.slice(30) };
      const cooked = await cook({
        task,
        isText: true,
        splits,
        corpus: { classNames: task === 'regression' ? ['slot_share'] : [...known].sort() },
        teacher: { architecture: 'bag', ...training },
        student: { architecture: 'modernbert', ...training, temperature: 1 },
      });
      const model = 'ModernBertForSequenceClassification';
      const folder = cooked.exported;
      await assertLoads(folder, 'AutoModelForSequenceClassification', model);
    });
  }
});
