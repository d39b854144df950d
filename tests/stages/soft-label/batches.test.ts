import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inOrder } from '#datasets/in-order.ts';
import { type BatchShape, FREE_SHAPE, planBatches } from '#stages/soft-label/batches.ts';
import { batchesAhead } from '#stages/soft-label/batches-ahead.ts';
import { openHearing } from '#stages/soft-label/first-answer.ts';
import { mergeProvenance } from '#stages/soft-label/provenance.ts';
import { recipeChanges } from '#stages/soft-label/recipe-changes.ts';
import { keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import type { Teacher } from '#stages/soft-label/teacher.ts';
import { matchTeacherInputs } from '#stages/soft-label/teacher-inputs.ts';
import { failingWith } from '#tests/support/failure.ts';

test('property: every row stands in one batch, fits into its length, and batches fit the budget', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 300 }), fc.boolean(), (all, budget, exact) => {
      const options = {
        tokenBudget: budget,
        maxLength: 50,
        shape: { ...FREE_SHAPE, exactLengths: exact },
      };
      const batches = planBatches(all, options);
      const rows = batches.flatMap((batch) => batch.rows).toSorted((a, b) => a - b);
      assert.deepEqual(rows, [...all.keys()]);
      for (const { rows: members, length } of batches) {
        assert.ok(members.every((row) => (all[row] ?? 0) <= length));
        assert.ok(members.length === 1 || members.length * length <= budget);
        assert.ok(length <= 50);
        assert.ok(exact ? members.every((row) => Math.max(1, all[row] ?? 0) === length) : true);
      }
    }),
  );
});

test('above 8,192 classes a batch has room for fewer answers, and below for as many as tokens', () => {
  const lengths = Array.from({ length: 64 }, () => 16);
  const answers = (classCount: number) => ({ counts: lengths.map(() => 15), classCount });
  const options = { tokenBudget: 512, maxLength: 16, shape: FREE_SHAPE };
  const sizes = (classCount: number) =>
    planBatches(lengths, { ...options, answers: answers(classCount) }).map(
      ({ rows }) => rows.length,
    );
  assert.deepEqual(sizes(77), [32, 32]);
  // 512 * 8,192 / 30,522 answers are 137, those of nine rows.
  assert.deepEqual(sizes(30_522), [9, 9, 9, 9, 9, 9, 9, 1]);
  const fixed = { ...options, shape: { ...FREE_SHAPE, fixedRows: 20 } };
  const full = planBatches(lengths, { ...fixed, answers: answers(30_522) });
  assert.deepEqual(
    full.map(({ rows }) => rows.length),
    [20, 20, 20, 4],
  );
});

test('the longest rows come first, lengths are rounded up and end at maxLength', () => {
  const options = { tokenBudget: 48, maxLength: 22, shape: FREE_SHAPE };
  assert.deepEqual(planBatches([3, 22, 9, 17, 8], options), [
    { rows: [1, 3], length: 22 },
    { rows: [2, 4, 0], length: 12 },
  ]);
});

test('on a GPU lengths are rounded by less than a sixteenth, to few of them', () => {
  const shape: BatchShape = { ...FREE_SHAPE, rounding: 'sixteenths' };
  const padded = (length: number) =>
    planBatches([length], { tokenBudget: 2048, maxLength: 4096, shape })[0]?.length ?? 0;
  assert.deepEqual([1, 9, 31, 33, 65, 127, 1000].map(padded), [1, 9, 31, 34, 68, 128, 1024]);
  const lengths = Array.from({ length: 4096 }, (_, index) => index + 1);
  assert.ok(lengths.every((length) => padded(length) < (length * 17) / 16));
  assert.equal(new Set(lengths.map(padded)).size, 16 * 9);
});

test('texts like those of banking77 are padded by less than 12 % at the default budget', () => {
  // 2,048 texts of a shard whose lengths are spread as the sample's: half of them below 13 tokens, 5 % above 37.
  const at = [7, 8, 9, 10, 11, 11, 12, 12, 13, 13, 14, 15, 16, 17, 18, 20, 23, 28, 37, 60];
  const lengths = Array.from({ length: 2048 }, (_, row) => at[row % 20] as number);
  const shape: BatchShape = { ...FREE_SHAPE, rounding: 'sixteenths' };
  const batches = planBatches(lengths, { tokenBudget: 2048, maxLength: 128, shape });
  const padded = batches.reduce((total, { rows, length }) => total + rows.length * length, 0);
  const tokens = lengths.reduce((total, length) => total + length, 0);
  assert.ok(1 - tokens / padded < 0.12);
});

test('on the CPU rows stand with rows of their own length, unless the model fixes its shape', () => {
  const matched = (provider: 'cpu' | 'cuda', shape: (string | number)[]) =>
    matchTeacherInputs({
      provider,
      inputs: ['input_ids', 'attention_mask'].map((name) => ({ name, type: 'int64', shape })),
    }).shape;
  const free = matched('cpu', ['batch', 'sequence']);
  assert.deepEqual(free, { ...FREE_SHAPE, exactLengths: true });
  assert.deepEqual(planBatches([3, 20, 3], { tokenBudget: 48, maxLength: 20, shape: free }), [
    { rows: [1], length: 20 },
    { rows: [0, 2], length: 3 },
  ]);
  assert.deepEqual(matched('cuda', ['batch', 'sequence']), {
    ...FREE_SHAPE,
    rounding: 'sixteenths',
  });
  assert.ok(!matched('cpu', [8, 'sequence']).exactLengths);
  assert.ok(!matched('cpu', ['batch', 32]).exactLengths);
});

test('whether a teacher says anything is known once eight rows were heard, however few a batch has', () => {
  const hearing = openHearing({ classCount: 2, task: 'regression' });
  const alike = Float32Array.of(1, 2);
  for (let row = 0; row < 7; row++) hearing.hear(alike, 1);
  assert.ok(hearing.isOpen);
  assert.throws(() => hearing.hear(alike, 1), failingWith('E_TEACHER_SILENT', 'first 8 rows'));
  const other = openHearing({ classCount: 2, task: 'regression' });
  other.hear(alike, 1);
  other.hear(Float32Array.of(1, 3), 1);
  assert.ok(!other.isOpen);
});

test('a model of fixed size decides both rows and length', () => {
  const shape = { ...FREE_SHAPE, fixedRows: 2, fixedLength: 30 };
  const batches = planBatches([3, 20, 9, 17, 8], { tokenBudget: 48, maxLength: 20, shape });
  assert.deepEqual(
    batches.map(({ rows, length }) => [rows, length]),
    [
      [[1, 3], 30],
      [[2, 4], 30],
      [[0], 30],
    ],
  );
});

test('results come in order, and at most `depth` pieces of work are ahead', async () => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  const work = async (item: number) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < 5 - item; turn++) await Promise.resolve();
    running -= 1;
    return item * 10;
  };
  for await (const { item, result } of inOrder([0, 1, 2, 3, 4], () => 2, work)) {
    assert.equal(result, item * 10);
    seen.push(item);
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4]);
  assert.ok(most <= 3);
});

test('half a second of batches waits for the device, at least four, and no more than fit into memory', () => {
  const ahead = (ms: number, topK: number) => {
    const teacher = { busy: () => ({ ms, batches: 100 }) } as Teacher;
    const keep = keepOf(softLabelConfig.parse({ topK }), 30_522);
    return batchesAhead({ keep, tokenBudget: 2048, teacher })();
  };
  assert.equal(ahead(500, 8), 100);
  assert.equal(ahead(100_000, 8), 4);
  assert.equal(ahead(0, 64), 64, '64 MiB of answers of 1 MiB');
});

test('a failure is thrown in its turn, after the work that was started has ended', async () => {
  const ended: number[] = [];
  const work = async (item: number) => {
    await Promise.resolve();
    ended.push(item);
    if (item === 1) throw new Error('second');
    return item;
  };
  const drain = async () => {
    for await (const _ of inOrder([0, 1, 2, 3, 4], () => 2, work));
  };
  await assert.rejects(drain, /second/);
  assert.deepEqual(ended, [0, 1, 2, 3]);
});

test('rows of several origins name all of them once', () => {
  const cpu = { provider: 'cpu', runtime: 'onnxruntime 1' };
  const both = mergeProvenance([cpu, { provider: 'cuda', runtime: 'onnxruntime 1' }, cpu]);
  assert.deepEqual(both, { provider: 'cpu+cuda', runtime: 'onnxruntime 1' });
  assert.deepEqual(mergeProvenance([both, cpu]), both);
});

test('changes of a recipe are told old -> new, long values by their beginning', () => {
  const changes = recipeChanges(
    { config: { topK: 3, temperatures: [1, 2] }, files: { model: ['a'.repeat(64)] } },
    {
      config: { topK: 5, temperatures: [1, 2], codec: 'zstd' },
      files: { model: ['b'.repeat(64)] },
    },
  );
  assert.deepEqual(changes, [
    'topK 3 -> 5',
    'files.model ["aaaaaaaaaaaaaa... -> ["bbbbbbbbbbbbbb...',
    'codec unset -> "zstd"',
  ]);
});
