import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise, toNamed } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { type CliResult, runCli } from './mini-project.ts';
import { sharedFolder } from './paths.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Names of WNUT 2017, in our order. */
export const WNUT_CLASSES = [
  'O',
  ...['corporation', 'creative-work', 'group', 'location', 'person', 'product'].flatMap((type) => [
    `B-${type}`,
    `I-${type}`,
  ]),
];

/** Where the sentences of WNUT 2017 lie, or why a test has to do without. */
export const WNUT = {
  folder: join(sharedFolder() ?? '', 'data', 'wnut17'),
  skip: sharedFolder() === undefined && 'there is no ../shared with data/wnut17',
};

/** A project of its own about the words of some sentences. */
export interface WordProject {
  readonly folder: string;
  decant(...args: string[]): Promise<CliResult>;
  path(...parts: string[]): string;
}

/** Writes a decant.yaml of token classification beside the first sentences of each split of WNUT 2017. */
export function wordProject(
  teacher: string,
  sentences: { readonly train: number; readonly validation: number; readonly test: number },
  settings: Readonly<Record<string, unknown>>,
): WordProject {
  const folder = temporaryFolder('decant-words');
  const first = (file: string, count: number) =>
    readFileSync(join(WNUT.folder, file), 'utf8')
      .split(/\n[ \t]*\n/)
      .slice(0, count)
      .join('\n\n');
  writeFileSync(join(folder, 'train.conll'), first('wnut17train.conll', sentences.train));
  writeFileSync(join(folder, 'dev.conll'), first('emerging.dev.conll', sentences.validation));
  writeFileSync(join(folder, 'test.annotated'), first('emerging.test.annotated', sentences.test));
  const config = {
    task: 'token-classification',
    corpus: { train: 'train.conll', validation: 'dev.conll', test: 'test.annotated' },
    teacher: { model: teacher, maxLength: 64 },
    ...settings,
  };
  writeFileSync(join(folder, 'decant.yaml'), stringify(config));
  return {
    folder,
    decant: (...args) => runCli(args, folder),
    path: (...parts) => join(folder, ...parts),
  };
}

/** A teacher that knows nothing: a tagger with random weights, the tokenizer of BERT, these classes. */
export function untrainedTagger(classNames: readonly string[]): string {
  const folder = temporaryFolder('untrained-tagger');
  cpSync(TOKENIZER, join(folder, 'tokenizer.json'));
  const shape: StudentShape = {
    architecture: 'bert',
    vocabularySize: 30_522,
    classCount: classNames.length,
    maxLength: 64,
    layers: 1,
    hiddenSize: 4,
    heads: 1,
    intermediateSize: 4,
    dropout: 0,
    padTokenId: 0,
    clsTokenId: 101,
    sepTokenId: 102,
    perToken: true,
  };
  const bert = architectureOf('bert');
  const specs = bert.parameters(shape);
  mkdirSync(join(folder, 'onnx'));
  const model = bert.onnx(shape, toNamed(initialise(specs, 1), specs));
  writeFileSync(join(folder, 'onnx', 'model.onnx'), model);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(bert.config(shape, classNames)));
  return folder;
}

const TOKENIZER = join(sharedFolder() ?? '', 'data/tokenizers/bert-base-uncased/tokenizer.json');
