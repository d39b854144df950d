import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { listArtifacts } from '#cache/artifact-store.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { bankQuestions } from '#tests/support/language-model-runs.ts';
import { characterTokenizer } from '#tests/support/language-models.ts';
import { type MiniProject, runCli } from '#tests/support/mini-project.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { rehearseIn } from '#tests/support/rehearsal.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const VOCABULARY = 60;
const POSITIONS = 16;
const SPECIALS = ['[PAD]', '[CLS]', '[SEP]', '[MASK]'];

test('a GPT-2 in safetensors becomes a teacher, and a smoke run tries every stage with it', async () => {
  const project = languageProject('causal-lm', 'gpt2', 'gpt2');
  const added = await succeed(project, 'teacher', 'add', './teacher');
  assert.match(added, /onnx\/model\.onnx/);
  const smoke = await succeed(project, 'run', '--smoke');
  assert.match(smoke, /all \d+ stages work: prepare, soft-label, .*export-student:distilled/);
  assert.ok(!existsSync(project.path('.decant')));
});

test('students of a masked language model are rehearsed before it is asked, the export too', async () => {
  const project = languageProject('masked-lm', 'bert-masked-lm', 'modernbert');
  const graph = await checkpointOnnx(project.path('teacher'));
  writeFileSync(project.path('teacher', 'model.onnx'), graph);
  await succeed(project, 'run', '--to', 'prepare');
  const [prepared] = await listArtifacts(project.path('.decant'), 'prepare');
  assert.ok(prepared !== undefined);
  const [said = ''] = await rehearseIn(project, prepared);
  assert.match(said, /train-student:distilled.*export-student/);
});

/** Texts of single characters, and a checkpoint of transformers that knows 60 of them. */
function languageProject(task: string, golden: string, architecture: string): MiniProject {
  const folder = temporaryFolder('decant rehearsal');
  const place = (...parts: string[]) => join(folder, ...parts);
  const texts = bankQuestions(60).map(({ text }) => text.toLowerCase());
  const parts = {
    train: texts.slice(20),
    validation: texts.slice(0, 10),
    test: texts.slice(10, 20),
  };
  for (const [split, part] of Object.entries(parts)) {
    writeFileSync(place(`${split}.txt`), `${part.join('\n\n')}\n`);
  }
  mkdirSync(place('teacher'));
  for (const file of ['config.json', 'model.safetensors']) {
    cpSync(join(goldenFolder, 'hf-golden', golden, file), place('teacher', file));
  }
  const characters = [...new Set(texts.join(''))].slice(0, VOCABULARY - SPECIALS.length - 1);
  const tokenizer = characterTokenizer(characters);
  const [unknown] = tokenizer.added_tokens;
  const specials = SPECIALS.map((content, at) => ({
    ...unknown,
    id: characters.length + 1 + at,
    content,
  }));
  writeFileSync(
    place('teacher', 'tokenizer.json'),
    JSON.stringify({ ...tokenizer, added_tokens: [...tokenizer.added_tokens, ...specials] }),
  );
  writeFileSync(
    place('decant.yaml'),
    stringify({
      task,
      corpus: { train: 'train.txt', validation: 'validation.txt', test: 'test.txt' },
      teacher: { model: 'teacher', maxLength: POSITIONS },
      'soft-label': { topK: 8, temperatures: [1] },
      student: {
        architecture,
        layers: 1,
        hiddenSize: 8,
        heads: 2,
        steps: 4,
        batchSize: 8,
        temperature: 1,
      },
      variants: { distilled: {} },
    }),
  );
  return { folder, decant: (...args) => runCli(args, folder), path: place };
}
