import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { characterProject } from '#tests/support/character-project.ts';
import { assertRefused } from '#tests/support/cli-result.ts';
import { countTrigrams, trigramGraph } from '#tests/support/language-models.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';

interface Told {
  readonly task: string;
  readonly skill: { readonly rows: number; readonly accuracy: number };
  readonly samples: readonly { text: string; label: string; says: string; probability: number }[];
  readonly warnings: readonly string[];
}

async function told(project: MiniProject): Promise<{ json: Told; text: string }> {
  const [json, text] = [
    await project.decant('teacher', 'check', 'teacher', '--json'),
    await project.decant('teacher', 'check', 'teacher'),
  ];
  assert.deepEqual([json.code, text.code], [0, 0], json.stderr);
  return { json: JSON.parse(json.stdout), text: text.stdout };
}

test('of a causal language model in safetensors it is told which token it says comes next', async () => {
  const project = characterProject('causal-lm', 'gpt2', 'gpt2');
  writeFileSync(
    project.path('teacher', 'model.onnx'),
    await checkpointOnnx(project.path('teacher')),
  );
  const { json, text } = await told(project);
  assert.equal(json.task, 'causal-lm');
  assert.equal(json.skill.rows, 10);
  assert.equal(json.samples.length, 8);
  // A row a text: what it ends with, and single characters.
  for (const { text: shown, label, says, probability } of json.samples) {
    assert.match(shown, / …$/);
    assert.ok(Array.from(label).length <= 1 && Array.from(says).length <= 1);
    assert.ok(probability > 1 / 60 && probability < 1);
  }
  assert.match(text, /^text +next +says +probability$/m);
  assert.match(
    text,
    /^accuracy +\d+\.\d % of 10 tokens, one in the middle of each validation text/m,
  );
  assert.ok(!json.warnings.some((warning) => /softmax|sigmoid|class/.test(warning)));
});

test('one that counted the text knows what comes next', async () => {
  const project = characterProject('causal-lm', 'gpt2', 'gpt2');
  const { model } = JSON.parse(readFileSync(project.path('teacher', 'tokenizer.json'), 'utf8'));
  const texts = readFileSync(project.path('validation.txt'), 'utf8').trimEnd().split('\n\n');
  const ids = texts.map((text) => Array.from(text, (character) => model.vocab[character] ?? 0));
  // A trigram is certain of what it has seen once.
  const [first = []] = ids;
  writeFileSync(project.path('validation.txt'), `${texts[0]?.slice(0, 8)}\n`);
  const trigrams = countTrigrams([first], 60, 1e-6);
  writeFileSync(project.path('teacher', 'model.onnx'), trigramGraph(trigrams));
  const { json } = await told(project);
  const [sample] = json.samples;
  assert.equal(sample?.text, `${texts[0]?.slice(0, 4)} …`);
  assert.equal(sample?.label, texts[0]?.[4]);
  assert.equal(sample?.says, sample?.label);
  assert.ok((sample?.probability ?? 0) > 0.49, `${sample?.probability}`);
});

test('of a masked language model in safetensors it is told what it says is hidden', async () => {
  const project = characterProject('masked-lm', 'bert-masked-lm', 'bert');
  writeFileSync(
    project.path('teacher', 'model.onnx'),
    await checkpointOnnx(project.path('teacher')),
  );
  const { json, text } = await told(project);
  assert.equal(json.task, 'masked-lm');
  assert.equal(json.samples.length, 8);
  for (const { text: shown, label } of json.samples) {
    assert.match(shown, /___/);
    assert.ok(!shown.includes('[MASK]') && Array.from(label).length <= 1);
  }
  assert.match(text, /^text +hidden +says +probability$/m);
  assert.ok(!json.warnings.some((warning) => /softmax|sigmoid|class/.test(warning)));
});

test('without a configuration the class of the model in config.json says what it is asked', async () => {
  const project = characterProject('masked-lm', 'bert-masked-lm', 'bert');
  writeFileSync(
    project.path('teacher', 'model.onnx'),
    await checkpointOnnx(project.path('teacher')),
  );
  rmSync(project.path('decant.yaml'));
  const { json, text } = await told(project);
  assert.equal(json.task, 'masked-lm');
  assert.match(text, /one in the middle of each built-in text/);
  const config = project.path('teacher', 'config.json');
  const whole = JSON.parse(readFileSync(config, 'utf8'));
  const architectures = ['T5ForConditionalGeneration'];
  writeFileSync(config, JSON.stringify({ ...whole, architectures }));
  const refused = await project.decant('teacher', 'check', 'teacher');
  assertRefused(refused, 2, /sequence-to-sequence reads a target beside each/);
});
