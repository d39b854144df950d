import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { readTokenGolden } from '#tests/stages/students/golden.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { runPython } from '#tests/support/python.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

for (const [name, autoClass, model] of [
  ['bert-masked-lm', 'AutoModelForMaskedLM', 'BertForMaskedLM'],
  ['modernbert-masked-lm', 'AutoModelForMaskedLM', 'ModernBertForMaskedLM'],
  ['gpt2', 'AutoModelForCausalLM', 'GPT2LMHeadModel'],
  ['bert-tokens', 'AutoModelForTokenClassification', 'BertForTokenClassification'],
  ['modernbert-tokens', 'AutoModelForTokenClassification', 'ModernBertForTokenClassification'],
] as const) {
  test(`transformers loads ${model} by our config.json and finds every weight`, async () => {
    const { shape } = await readTokenGolden(name);
    const folder = temporaryFolder();
    const classNames = shape.perToken ? ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'] : [];
    const config = architectureOf(shape.architecture).config(shape, classNames);
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    const golden = join(goldenFolder, 'hf-golden', name);
    copyFileSync(join(golden, 'model.safetensors'), join(folder, 'model.safetensors'));
    const found = await runPython<{ model: string; difference: number; leftOver: string[] }>(
      'transformers/load_token_model.py',
      folder,
      autoClass,
      join(golden, 'cases.json'),
    );
    assert.deepEqual([found.model, found.leftOver], [model, []]);
    assert.ok(found.difference <= 1e-5, `logits: ${found.difference}`);
  });
}
