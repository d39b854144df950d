import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parse } from 'csv-parse/sync';
import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import {
  DATA_TYPES,
  graph,
  int64Tensor,
  model,
  node,
  tensor,
  valueInfo,
} from '#stages/onnx/wire.ts';
import { decant } from '#tests/support/decant-in.ts';
import { bankQuestions } from '#tests/support/language-model-runs.ts';
import { writeTeacherFolder } from '#tests/support/language-models.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { cook, type Rows } from '#tests/support/recipe.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** A bank question, and the words of its own intent or of another's. */
interface Pair {
  readonly id: string;
  readonly question: string;
  readonly intent: string;
  readonly label: 'other' | 'same';
}

const tokenizerFile = join(sampleFolder('mini'), 'teacher', 'tokenizer.json');

function pairs(): Pair[] {
  const questions = bankQuestions(100);
  return questions.flatMap(({ text, target }, row): Pair[] => {
    const other = questions[(row + 37) % questions.length]?.target ?? '';
    const own = { id: `s${row}`, question: text, intent: target, label: 'same' } as const;
    return other === target
      ? [own]
      : [own, { id: `o${row}`, question: text, intent: other, label: 'other' }];
  });
}

/**
 * Logits [-2, n - 3], where n counts the equal tokens (`[SEP]` is one) of which one is of type 0 and the other of
 * type 1: a cross-encoder that can be reckoned by hand, and says nothing without its type ids.
 */
function overlapTeacher(): Uint8Array {
  const shape = ['batch', 'sequence'];
  const float = { to: { int: DATA_TYPES.float32 } };
  return model(
    graph({
      name: 'overlap',
      nodes: [
        node('Unsqueeze', ['input_ids', 'last'], ['down']),
        node('Unsqueeze', ['input_ids', 'middle'], ['across']),
        node('Equal', ['down', 'across'], ['equal']),
        node('Cast', ['equal'], ['isEqual'], float),
        node('Sub', ['attention_mask', 'token_type_ids'], ['first']),
        node('Cast', ['first'], ['ofFirst'], float),
        node('Cast', ['token_type_ids'], ['ofSecond'], float),
        node('Unsqueeze', ['ofFirst', 'middle'], ['firsts']),
        node('Unsqueeze', ['ofSecond', 'last'], ['seconds']),
        node('MatMul', ['firsts', 'isEqual'], ['matches']),
        node('MatMul', ['matches', 'seconds'], ['count3']),
        node('Squeeze', ['count3', 'last'], ['count']),
        node('Sub', ['count', 'three'], ['same']),
        node('Mul', ['count', 'zero'], ['nothing']),
        node('Sub', ['nothing', 'two'], ['other']),
        node('Concat', ['other', 'same'], ['logits'], { axis: { int: 1 } }),
      ],
      initializers: [
        int64Tensor('last', [-1]),
        int64Tensor('middle', [1]),
        ...Object.entries({ zero: 0, two: 2, three: 3 }).map(([name, value]) =>
          tensor(name, 'float32', [], Float32Array.of(value)),
        ),
      ],
      inputs: ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
        valueInfo(name, 'int64', shape),
      ),
      outputs: [valueInfo('logits', 'float32', ['batch', 2])],
    }),
  );
}

/** The same by hand, of tokens with their types. */
function sharedTokens({ ids, typeIds }: { ids: ArrayLike<number>; typeIds: ArrayLike<number> }) {
  const of = (type: number) => Array.from(ids).filter((_, place) => typeIds[place] === type);
  const second = of(1);
  return of(0).reduce((sum, id) => sum + second.filter((other) => other === id).length, 0);
}

test('pairs of texts meet teacher and student with their types, from the command line', async () => {
  const all = pairs();
  const folder = temporaryFolder('decant-pairs');
  const splits = {
    train: all.slice(0, 120),
    validation: all.slice(120, 160),
    test: all.slice(160),
  };
  for (const [split, rows] of Object.entries(splits)) {
    const lines = rows.map((row) => JSON.stringify(row));
    writeFileSync(join(folder, `${split}.jsonl`), `${lines.join('\n')}\n`);
  }
  writeTeacherFolder(join(folder, 'teacher'), {
    model: overlapTeacher(),
    tokenizer: JSON.parse(readFileSync(tokenizerFile, 'utf8')),
    config: { id2label: { 0: 'other', 1: 'same' }, pad_token_id: 0 },
  });
  writeFileSync(
    join(folder, 'decant.yaml'),
    `
corpus:
  train: train.jsonl
  validation: validation.jsonl
  test: test.jsonl
  columns: { text: question, textPair: intent }
teacher: { model: teacher, maxLength: 96 }
student: { architecture: bert, layers: 1, hiddenSize: 16, heads: 1, steps: 20, evaluateEvery: 20 }
variants: { distilled: {} }
device: cpu
`,
  );
  const run = decant(folder, ['run', '--json', '--quiet']);
  assert.equal(run.status, 0, run.stderr);

  const query = `select any_value(source_id) as id, any_value(logits) as logits from soft_labels
    group by example_id`;
  const said = decant(folder, ['cache', 'sql', '--format', 'json', query]);
  const cached: { id: string; logits: number[] }[] = JSON.parse(said.stdout);
  const byId = new Map(all.map((pair) => [pair.id, pair]));
  const asked = cached.map(({ id }) => byId.get(id));
  const texts = asked.map((pair) => ({
    text: pair?.question ?? '',
    textPair: pair?.intent ?? null,
  }));
  const encoded = await (await openTokenizer(tokenizerFile, 96)).encode(texts);
  const counts = encoded.map(sharedTokens);
  assert.deepEqual(
    cached.map(({ logits }) => logits),
    counts.map((count) => [-2, count - 3]),
  );
  // Words of its own intent are in most questions, those of another's in few.
  const right = asked.filter((pair, row) => (pair?.label === 'same') === (counts[row] ?? 0) > 1);
  assert.ok(right.length > 0.7 * asked.length, `${right.length} of ${asked.length}`);

  const { models } = JSON.parse(run.stdout) as { models: { name: string; metrics: object }[] };
  assert.deepEqual(models.map(({ name }) => name).sort(), ['distilled', 'teacher']);
});

/** Places of four of the 77 intents: with more of them so small a teacher is right hardly more often than by chance. */
const intents = [0, 19, 38, 57];

/** Every question of these intents with the words of its own and with those of another of them. */
function labelledPairs(): Record<'train' | 'validation' | 'test', Rows> {
  const file = (name: string) => readFileSync(join(sampleFolder('banking77'), name), 'utf8');
  const lines = (name: string) =>
    file(name)
      .split('\n')
      .filter(Boolean)
      .map((line): Row => JSON.parse(line));
  const train: Row[] = parse(file('labelled.csv'), { columns: true });
  const labels = [...new Set(train.map(({ label }) => label))].sort();
  const chosen = intents.map((index) => labels[index] ?? '');
  const paired = (rows: readonly Row[]) =>
    rows
      .filter(({ label }) => chosen.includes(label))
      .flatMap(({ id, text, label }, row) => {
        const place = chosen.indexOf(label);
        const other = chosen[(place + 1 + (row % (chosen.length - 1))) % chosen.length] ?? '';
        return [
          { id: `s${id}`, question: text, intent: wordsOf(label), label: 'same' },
          { id: `o${id}`, question: text, intent: wordsOf(other), label: 'other' },
        ];
      });
  return {
    train: paired(train),
    validation: paired(lines('validation.jsonl')),
    test: paired(lines('test.jsonl')),
  };
}

interface Row {
  readonly id: string;
  readonly text: string;
  readonly label: string;
}

function wordsOf(label: string): string {
  return label.toLowerCase().replaceAll('_', ' ');
}

test('a cross-encoder that has learned pairs by gold labels teaches a smaller one', async () => {
  const encoder = { architecture: 'bert', evaluateEvery: 100 };
  const { figures } = await cook({
    splits: labelledPairs(),
    corpus: {
      classNames: ['other', 'same'],
      columns: { text: 'question', textPair: 'intent' },
    },
    isText: true,
    teacher: { ...encoder, layers: 2, hiddenSize: 64, heads: 2, steps: 300, learningRate: 3e-3 },
    student: { ...encoder, layers: 1, hiddenSize: 32, heads: 2, steps: 250, learningRate: 4e-3 },
  });
  const [teacher, student] = [figures.teacher, figures.student];
  const said = JSON.stringify(figures);
  assert.ok(accuracy(teacher) > 0.7, said);
  assert.ok(accuracy(student) > 0.6, said);
  assert.ok((student.agreement ?? 0) > 0.65, said);
});

function accuracy(metrics: AnyMetrics): number {
  return 'accuracy' in metrics ? metrics.accuracy : Number.NaN;
}
