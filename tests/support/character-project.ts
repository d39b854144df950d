import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { bankQuestions } from './language-model-runs.ts';
import { characterTokenizer } from './language-models.ts';
import { type MiniProject, runCli } from './mini-project.ts';
import { goldenFolder } from './paths.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Texts of single characters, and a checkpoint of transformers that knows 60 of them. */
export function characterProject(task: string, golden: string, architecture: string): MiniProject {
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
  const tokenizer = characterTokenizer(characters, SPECIALS);
  writeFileSync(place('teacher', 'tokenizer.json'), JSON.stringify(tokenizer));
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

const VOCABULARY = 60;
const POSITIONS = 16;
const SPECIALS = ['[PAD]', '[CLS]', '[SEP]', '[MASK]'];
