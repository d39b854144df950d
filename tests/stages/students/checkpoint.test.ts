import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { checkpointOnnx, UnsupportedCheckpointError } from '#stages/students/checkpoint.ts';
import { initialise, layoutOf, toNamed } from '#stages/students/parameters.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  bertReference,
  distilBertReference,
  modernBertReference,
  robertaReference,
} from './encoder-reference.ts';
import { readGolden, smallShape } from './golden.ts';
import {
  assertClose,
  assertReference,
  assertTokenReference,
  BERT_LAYER,
  dense,
  embeddings,
  folderOf,
  LABELS,
  layers,
  logitsOf,
  norm,
  randomTensors,
  SIZES,
  textsOf,
} from './small-checkpoints.ts';

// No TensorFlow in this file: it and ONNX Runtime must not share a process.

const folder = temporaryFolder('decant-checkpoint');

for (const name of ['bert', 'modernbert'] as const) {
  test(`a ${name} folder of transformers becomes an ONNX file with its logits within 1e-5`, async () => {
    const { case: golden } = await readGolden(name);
    const bytes = await checkpointOnnx(join(goldenFolder, 'hf-golden', name));
    const rows = golden.input_ids.map((ids, row) => ({
      ids: ids.filter((_, column) => golden.attention_mask[row]?.[column] === 1),
      typeIds: ids.map(() => 0),
    }));
    assertClose(await logitsOf(bytes, rows, 0), golden.logits.flat(), 1e-5);
  });

  for (const perToken of [false, true])
    test(`an exported ${name} ${perToken ? 'tagger' : 'student'} that is taken in again says exactly the same`, async () => {
      const shape = { ...smallShape(name), perToken };
      const specs = architectureOf(name).parameters(shape);
      const weights = toNamed(initialise(specs, 3), specs);
      const config = architectureOf(name).config(shape, ['a', 'b', 'c', 'd', 'e']);
      const tensors = layoutOf(specs).places.map(({ name, shape }) => ({
        name,
        shape,
        values: weights.get(name) ?? new Float32Array(),
      }));
      const student = await folderOf(`student-${name}-${perToken}`, config, tensors);
      // Students read pairs as one text: every token has type 0.
      const rows = textsOf(100).map((text) => ({ ...text, typeIds: [] }));
      const exported = await logitsOf(architectureOf(name).onnx(shape, weights), rows, 0);
      assert.deepEqual(await logitsOf(await checkpointOnnx(student), rows, 0), exported);
    });
}

test('RoBERTa: positions behind that of padding, and its own head', async () => {
  const config = { model_type: 'roberta', ...SIZES, pad_token_id: 1, layer_norm_eps: 1e-5 };
  const tensors = randomTensors({
    ...embeddings('roberta', 1),
    ...layers((index) => `roberta.encoder.layer.${index}`, BERT_LAYER),
    ...dense('classifier.dense', 16, 16),
    ...dense('classifier.out_proj', 3, 16),
  });
  const made = await folderOf('roberta', { ...config, type_vocab_size: 1 }, tensors);
  await assertReference(made, tensors, 1, (weights, text) =>
    robertaReference(weights, text, { layers: 3, heads: 4, padding: 1 }),
  );
});

test('DistilBERT: its names, no token types, a relu before the classifier', async () => {
  const config = { model_type: 'distilbert', vocab_size: 60, dim: 16, n_layers: 3, n_heads: 4 };
  const tensors = randomTensors({
    'distilbert.embeddings.word_embeddings.weight': [60, 16],
    'distilbert.embeddings.position_embeddings.weight': [40, 16],
    ...norm('distilbert.embeddings.LayerNorm', 16),
    ...layers((index) => `distilbert.transformer.layer.${index}`, {
      ...dense('attention.q_lin', 16, 16),
      ...dense('attention.k_lin', 16, 16),
      ...dense('attention.v_lin', 16, 16),
      ...dense('attention.out_lin', 16, 16),
      ...norm('sa_layer_norm', 16),
      ...dense('ffn.lin1', 24, 16),
      ...dense('ffn.lin2', 16, 24),
      ...norm('output_layer_norm', 16),
    }),
    ...dense('pre_classifier', 16, 16),
    ...dense('classifier', 3, 16),
  });
  const made = await folderOf('distilbert', { ...config, ...LABELS }, tensors);
  await assertReference(made, tensors, 0, (weights, text) =>
    distilBertReference(weights, text, { layers: 3, heads: 4 }),
  );
});

test('BERT: token types of pairs, GELU by tanh, gains called gamma', async () => {
  const tensors = randomTensors({
    ...embeddings('bert', 2),
    ...layers((index) => `bert.encoder.layer.${index}`, BERT_LAYER),
    ...dense('bert.pooler.dense', 16, 16),
    ...dense('classifier', 3, 16),
  });
  const old = tensors.map((one) => ({
    ...one,
    name: one.name
      .replace('LayerNorm.weight', 'LayerNorm.gamma')
      .replace('LayerNorm.bias', 'LayerNorm.beta'),
  }));
  const config = { model_type: 'bert', ...SIZES, hidden_act: 'gelu_new' };
  const made = await folderOf('bert', config, old);
  await assertReference(made, tensors, 0, (weights, text) =>
    bertReference(weights, text, { layers: 3, heads: 4 }),
  );
  const architectures = ['BertForTokenClassification'];
  const unpooled = tensors.filter(({ name }) => !name.startsWith('bert.pooler'));
  const tagger = await folderOf('bert tagger', { ...config, architectures }, unpooled);
  await assertTokenReference(tagger, unpooled, (weights, text) =>
    bertReference(weights, text, { layers: 3, heads: 4, everyToken: true }),
  );
});

for (const form of ['transformers 4', 'transformers 5'] as const) {
  test(`ModernBERT as ${form} saves it: local layers with a base of their own, biases, [CLS]`, async () => {
    const plan = { globalEvery: 3, localAttention: 4, globalTheta: 160_000, localTheta: 10_000 };
    const rope = (theta: number) => ({ rope_theta: theta, rope_type: 'default' });
    const layerForm =
      form === 'transformers 4'
        ? { global_attn_every_n_layers: 3, global_rope_theta: 160_000, local_rope_theta: 10_000 }
        : {
            layer_types: ['full_attention', ...Array(3).fill('sliding_attention')].with(
              3,
              'full_attention',
            ),
            rope_parameters: { full_attention: rope(160_000), sliding_attention: rope(10_000) },
          };
    const tensors = randomTensors({
      'model.embeddings.tok_embeddings.weight': [60, 16],
      ...norm('model.embeddings.norm', 16),
      ...layers(
        (index) => `model.layers.${index}`,
        {
          ...norm('attn_norm', 16),
          ...dense('attn.Wqkv', 48, 16),
          ...dense('attn.Wo', 16, 16),
          ...norm('mlp_norm', 16),
          ...dense('mlp.Wi', 48, 16),
          ...dense('mlp.Wo', 16, 24),
        },
        4,
      ),
      ...norm('model.final_norm', 16),
      ...dense('head.dense', 16, 16),
      ...norm('head.norm', 16),
      ...dense('classifier', 3, 16),
    });
    const config = {
      model_type: 'modernbert',
      ...SIZES,
      num_hidden_layers: 4,
      classifier_pooling: 'cls',
      attention_bias: true,
      mlp_bias: true,
      norm_bias: true,
      classifier_bias: true,
      local_attention: 4,
      ...layerForm,
    };
    const made = await folderOf(`modernbert ${form}`, config, tensors);
    await assertReference(made, tensors, 0, (weights, text) =>
      modernBertReference(weights, text, { layers: 4, heads: 4, ...plan }),
    );
    const architectures = ['ModernBertForTokenClassification'];
    const tagger = await folderOf(`tagger ${form}`, { ...config, architectures }, tensors);
    await assertTokenReference(tagger, tensors, (weights, text) =>
      modernBertReference(weights, text, { layers: 4, heads: 4, ...plan, everyToken: true }),
    );
  });
}

test('what our graphs do not have is refused with the command of the exporter', async () => {
  const golden = join(goldenFolder, 'hf-golden', 'bert');
  const config = JSON.parse(await readFile(join(golden, 'config.json'), 'utf8'));
  const cases: Readonly<Record<string, readonly [object, RegExp]>> = {
    type: [{ model_type: 'deberta-v2' }, /model_type/],
    positions: [{ position_embedding_type: 'relative_key' }, /position_embedding_type/],
    activation: [{ hidden_act: 'silu' }, /hidden_act/],
    task: [{ architectures: ['BertForQuestionAnswering'] }, /ForSequenceClassification/],
    vocabulary: [{ vocab_size: 99 }, /vocab_size 99.*100 rows/],
    layers: [{ num_hidden_layers: 3 }, /has no "bert\.encoder\.layer\.2\./],
  };
  for (const [name, [change, expected]] of Object.entries(cases)) {
    const made = join(folder, `refused ${name}`);
    await mkdir(made);
    await cp(join(golden, 'model.safetensors'), join(made, 'model.safetensors'));
    await writeFile(join(made, 'config.json'), JSON.stringify({ ...config, ...change }));
    await assert.rejects(checkpointOnnx(made, 'some/model'), (error) => {
      assert.ok(error instanceof UnsupportedCheckpointError);
      assert.match(error.message, expected);
      const task = name === 'task' ? 'feature-extraction' : 'text-classification';
      assert.match(error.fix, RegExp(`onnx --model some/model --task ${task} '/.* \\w+'$`));
      return true;
    });
  }
});

test('weights in several files, or none, are refused', async () => {
  const made = join(folder, 'parts');
  await mkdir(made);
  await assert.rejects(checkpointOnnx(made), /has no model\.safetensors/);
  await writeFile(join(made, 'model.safetensors.index.json'), '{}');
  await assert.rejects(checkpointOnnx(made), /in several files/);
});
