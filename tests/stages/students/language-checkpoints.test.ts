import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSession } from '#stages/onnx/session.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { readSafetensors, writeSafetensors } from '#stages/students/safetensors.ts';
import { assertClose } from '#tests/support/assert-close.ts';
import { failingWith } from '#tests/support/failure.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

// No TensorFlow in this file: it and ONNX Runtime must not share a process.

/** What transformers says at the asked tokens: see SOURCE.md beside the files. */
interface Case {
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask: readonly (readonly number[])[];
  /** -100 where nothing is asked. */
  readonly labels: readonly (readonly number[])[];
  readonly logits: readonly (readonly number[])[];
}

const folder = temporaryFolder('decant-language-checkpoint');

for (const name of [
  'bert-masked-lm',
  'modernbert-masked-lm',
  'roberta-masked-lm',
  'distilbert-masked-lm',
  'gpt2',
]) {
  test(`${name} of transformers becomes an ONNX file with its logits of the asked tokens within 1e-5`, async () => {
    const bytes = await checkpointOnnx(join(goldenFolder, 'hf-golden', name));
    const golden = caseOf(name);
    assertClose(await askedLogits(bytes, golden), golden.logits.flat(), 1e-5);
  });
}

test('a GPT-2 as it was first published, without "transformer." in its names, is the same', async () => {
  const plain = await folderOf('gpt2', 'plain', {}, (tensor) => ({
    ...tensor,
    name: tensor.name.replace('transformer.', ''),
  }));
  assert.deepEqual(
    await checkpointOnnx(plain),
    await checkpointOnnx(join(goldenFolder, 'hf-golden', 'gpt2')),
  );
});

test('a decoder that is not the table of words is read where config.json says so', async () => {
  const words = 'transformer.wte.weight';
  const made = await folderOf(
    'gpt2',
    'untied',
    { tie_word_embeddings: false },
    (tensor) => tensor,
    {
      'lm_head.weight': words,
    },
  );
  const golden = caseOf('gpt2');
  const doubled = golden.logits.flat().map((logit) => 2 * logit);
  assertClose(await askedLogits(await checkpointOnnx(made), golden), doubled, 2e-5);
});

test('what our GPT-2 does not compute is refused by the field of config.json', async () => {
  for (const [change, field] of [
    [{ architectures: ['GPT2ForSequenceClassification'] }, 'it is no GPT2LMHeadModel'],
    [{ scale_attn_by_inverse_layer_idx: true }, 'scale_attn_by_inverse_layer_idx'],
    [{ activation_function: 'relu' }, 'activation_function'],
  ] as const) {
    const made = await folderOf('gpt2', `refused ${field}`, change);
    await assert.rejects(checkpointOnnx(made), failingWith('E_CHECKPOINT', field));
  }
});

function caseOf(name: string): Case {
  return JSON.parse(readFileSync(join(goldenFolder, 'hf-golden', name, 'cases.json'), 'utf8'));
}

/** A golden model with another config.json, other names, and copies of tensors times two. */
async function folderOf(
  golden: string,
  name: string,
  change: object,
  renamed = (tensor: { name: string; shape: readonly number[]; values: Float32Array }) => tensor,
  doubled: Readonly<Record<string, string>> = {},
): Promise<string> {
  const source = join(goldenFolder, 'hf-golden', golden);
  const made = join(folder, name);
  await mkdir(made);
  const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'));
  await writeFile(join(made, 'config.json'), JSON.stringify({ ...config, ...change }));
  const stored = await readSafetensors(join(source, 'model.safetensors'));
  const tensors = [...stored].map(([name, tensor]) => renamed({ name, ...tensor }));
  const copies = Object.entries(doubled).map(([name, of]) => {
    const { shape, values } = stored.get(of) ?? assert.fail(of);
    return { name, shape, values: values.map((value) => 2 * value) };
  });
  await writeSafetensors(join(made, 'model.safetensors'), [...tensors, ...copies]);
  return made;
}

/** Logits of the asked tokens, row by row. */
async function askedLogits(
  bytes: Uint8Array,
  { input_ids, attention_mask, labels }: Case,
): Promise<number[]> {
  const session = await openSession(bytes, { device: 'cpu', threads: 1 });
  const column = (rows: readonly (readonly number[])[]) => ({
    type: 'int64' as const,
    data: BigInt64Array.from(rows.flat(), BigInt),
    dims: [rows.length, rows[0]?.length ?? 0],
  });
  const feeds = {
    input_ids: column(input_ids),
    attention_mask: column(attention_mask),
    token_type_ids: column(input_ids.map((row) => row.map(() => 0))),
  };
  const wanted = new Set(session.inputs.map(({ name }) => name));
  try {
    const { logits } = await session.run(
      Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name))),
    );
    assert.ok(logits?.type === 'float32');
    const width = logits.dims.at(-1) ?? 0;
    const asked = labels.flat().flatMap((label, token) => (label < 0 ? [] : [token]));
    return asked.flatMap((token) =>
      Array.from(logits.data.subarray(token * width, (token + 1) * width)),
    );
  } finally {
    await session.close();
  }
}
