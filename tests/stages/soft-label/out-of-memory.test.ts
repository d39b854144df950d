import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMemoryFailure, runFailureOf } from '#stages/onnx/session-errors.ts';
import { FREE_SHAPE } from '#stages/soft-label/batches.ts';
import { smallerBudget } from '#stages/soft-label/out-of-memory.ts';
import type { Teacher } from '#stages/soft-label/teacher.ts';
import { failingWith } from '#tests/support/failure.ts';
import { assertHalvesBudget, assertHalvesLater } from './kinds/halved-budget.ts';
import { corpusOf, runSoftLabel, writeCorpus, writeTeacher } from './small-run.ts';

const inputs = await writeCorpus(corpusOf(60));
const config = { shardRows: 30, tokenBudget: 128 };

test('a teacher that runs out of memory goes on with half the budget, and gives the same files', () =>
  assertHalvesBudget('cpu'));

test('where files are finished it goes on too, as the CPU gives a row the same bits in every batch', () =>
  assertHalvesLater('cpu'));

test('where half the budget is too much as well, the run ends and says what to set', async () => {
  const greedy = writeTeacher({ mostTokens: 50 });
  await assert.rejects(
    runSoftLabel({ inputs, config, files: { model: [greedy] } }),
    failingWith('E_MODEL_MEMORY', 'Failed to allocate memory'),
  );
  await assert.rejects(
    runSoftLabel({ inputs, config, files: { model: [greedy] } }),
    failingWith('E_MODEL_MEMORY', 'half the budget already (tokenBudget 64)'),
  );
});

test('where batches change numbers, smaller ones are tried only before the first file is finished', () => {
  const cause = new Error('Failed to allocate memory');
  const teacher = (change: Partial<Teacher>) =>
    ({ provider: 'cpu', rowsDependOnBatch: false, shape: FREE_SHAPE, ...change }) as Teacher;
  assert.equal(smallerBudget(cause, 2048, teacher({}), 5), 1024);
  for (const change of [{ provider: 'cuda' }, { rowsDependOnBatch: true }]) {
    assert.equal(smallerBudget(cause, 2048, teacher(change), 0), 1024);
    assert.throws(
      () => smallerBudget(cause, 2048, teacher(change), 1),
      failingWith('E_MODEL_MEMORY', 'smaller batches were not tried'),
    );
  }
  const fixed = teacher({ shape: { ...FREE_SHAPE, fixedRows: 8 } });
  assert.throws(() => smallerBudget(cause, 2048, fixed, 0), cause);
});

test('the words of ONNX Runtime, CUDA and C++ for want of memory are known', () => {
  for (const words of [
    'Non-zero status code returned while running MatMul node. Name:"x" Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool) Failed to allocate memory for requested buffer of size 4000000',
    'std::bad_alloc',
    'CUDA failure 2: out of memory ; GPU=0',
    'CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED',
  ]) {
    assert.ok(isMemoryFailure(runFailureOf(new Error(words))), words);
  }
  assert.ok(!isMemoryFailure(runFailureOf(new Error('indices element out of data bounds'))));
});
