import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AnyMetrics, readAnyMetrics } from '#datasets/metrics/metrics.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { corpusFiles, prepareFor } from '#tests/support/language-model-runs.ts';
import { characterTokenizer, writeTeacherFolder } from '#tests/support/language-models.ts';
import { sharedFolder } from '#tests/support/paths.ts';
import { figure } from '#tests/support/recipe.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const shared = sharedFolder();
const skip = shared === undefined && 'no ../shared/data beside the checkout';
const specials = ['[PAD]', '[CLS]', '[SEP]', '[MASK]'];
const recipes = [
  {
    task: 'causal-lm',
    architecture: 'gpt2',
    book: 'tinyshakespeare/input.txt',
    student: { hiddenSize: 32, ...steps(300) },
  },
  {
    task: 'masked-lm',
    architecture: 'modernbert',
    book: 'moby-dick/moby-dick.txt',
    // One token in seven is asked, so the same takes more steps.
    student: { hiddenSize: 64, ...steps(600) },
  },
] as const;

for (const { task, architecture, book, student } of recipes) {
  test(`${task}: a model that has learned ${book} itself is asked, and a smaller one learns from it`, {
    skip,
  }, async () => {
    const text = readFileSync(join(shared ?? '', 'data', book), 'utf8').slice(60_000, 90_000);
    const characters = [...new Set(text)].sort();
    const lines = text.match(/[^]{1,80}/g)?.map((line) => ({ text: line })) ?? [];
    const corpus = corpusFiles({
      train: lines.filter((_, row) => row % 10 < 8),
      validation: lines.filter((_, row) => row % 10 === 8),
      test: lines.filter((_, row) => row % 10 === 9),
    });
    const prepared = await prepareFor(characterFolder(characters), corpus, {
      task,
      teacherMaxLength: 96,
      studentMaxLength: 96,
      studentVocabulary: 'full',
    });
    const learned = { task, architecture, device: 'cpu', batchSize: 16, learningRate: 0.005 };
    const goldAlone = { softLossWeight: 0, hardLossWeight: 1 };
    const taught = await runStage(trainStudent, {
      config: { ...learned, ...goldAlone, layers: 2, hiddenSize: 64, heads: 2, ...steps(350) },
      inputs: prepared.outputs,
    });
    const teacher = taught.outputs['student'] ?? '';
    const model = {
      model: [join(teacher, 'onnx', 'model.onnx')],
      modelConfig: [join(teacher, 'config.json')],
    };
    const spoken = await runStage(softLabel, {
      config: { task, device: 'cpu', topK: 16, temperatures: [1] },
      inputs: prepared.outputs,
      files: model,
    });
    const inputs = { ...prepared.outputs, ...spoken.outputs };
    const small = { ...learned, learningRate: 0.01, layers: 1, heads: 2, ...student };
    const measured = async (name: string, settings?: object) => {
      const trained = settings && (await runStage(trainStudent, { config: settings, inputs }));
      const made = trained?.outputs['student'];
      const { outputs } = await runStage(evaluate, {
        config: { subject: made ? 'student' : 'teacher', name, task, latencyRuns: 1 },
        files: made ? {} : { model: model.model },
        inputs: made ? { ...inputs, student: made } : inputs,
      });
      return readAnyMetrics(outputs['metrics'] ?? '');
    };
    const ofTeacher = await measured('teacher');
    const distilled = await measured('distilled', {
      ...small,
      temperature: 1,
      softLossWeight: 0.9,
      hardLossWeight: 0.1,
    });
    const goldOnly = await measured('gold-only', { ...small, ...goldAlone });
    const said = JSON.stringify([ofTeacher, distilled, goldOnly]);
    assert.ok(figure(ofTeacher, 'perplexity') < 0.4 * characters.length, said);
    assert.ok(figure(distilled, 'perplexity') < 0.96 * figure(goldOnly, 'perplexity'), said);
    assert.ok(agreement(distilled) > agreement(goldOnly) + 0.02, said);
  });
}

function agreement(metrics: AnyMetrics): number {
  return metrics.agreement ?? Number.NaN;
}

function steps(count: number) {
  return { steps: count, evaluateEvery: count / 2 };
}

/** A folder with the tokenizer of these characters. */
function characterFolder(characters: readonly string[]): string {
  return writeTeacherFolder(temporaryFolder(), {
    model: new Uint8Array(),
    tokenizer: characterTokenizer(characters, specials),
    config: { vocab_size: characters.length + 1 + specials.length },
  });
}
