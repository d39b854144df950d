import { existsSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';

/** The files of a teacher that decide what it says. */
export interface TeacherFiles {
  /** The folder or file that was named. */
  readonly place: string;
  /** The graph, then its external data. */
  readonly model: readonly string[];
  readonly config: string;
  /** undefined where there is none: a model of tensors needs none. */
  readonly tokenizer: string | undefined;
  readonly tokenizerConfig: readonly string[];
  readonly specialTokens: readonly string[];
  /** How a sentence encoder makes one vector of its tokens, as sentence-transformers writes it. */
  readonly pooling: readonly string[];
}

export class TeacherFileError extends Failure {
  constructor(path: string, problem: string, fix: string) {
    super('model', 'E_TEACHER_FILES', `${path}: ${problem}`, fix);
  }
}

/**
 * Finds the files of `teacher.model`: a Hugging Face folder with `onnx/model.onnx` (or `model.onnx`),
 * or a lone .onnx file with config.json and tokenizer.json beside it or one folder up. `setting` is what
 * names the path.
 */
export function teacherFiles(path: string, setting = 'teacher.model'): TeacherFiles {
  if (!existsSync(path)) {
    throw new TeacherFileError(
      path,
      'there is no such file or folder',
      `set ${setting} to a Hugging Face folder with onnx/model.onnx, or to an .onnx file`,
    );
  }
  const model = statSync(path).isDirectory() ? modelIn(path) : path;
  const folders = statSync(path).isDirectory()
    ? [path]
    : [dirname(path), join(dirname(path), '..')];
  const beside = (name: string) =>
    folders
      .map((folder) => join(folder, name))
      .filter(existsSync)
      .slice(0, 1);
  const required = (name: string, purpose: string): string => {
    const [found] = beside(name);
    if (found !== undefined) return found;
    throw new TeacherFileError(
      path,
      `has no ${name} (${purpose})`,
      `put the ${name} of the model beside it; exporters such as optimum write it`,
    );
  };
  return {
    place: path,
    model: [model, ...externalData(model)],
    config: required('config.json', 'the names of its classes'),
    tokenizer: beside('tokenizer.json')[0],
    tokenizerConfig: beside('tokenizer_config.json'),
    specialTokens: beside('special_tokens_map.json'),
    pooling: beside('1_Pooling/config.json'),
  };
}

/** The tokenizer of a teacher that reads texts. */
export function requireTokenizer({
  place,
  tokenizer,
}: Pick<TeacherFiles, 'place' | 'tokenizer'>): string {
  if (tokenizer !== undefined) return tokenizer;
  throw new TeacherFileError(
    place,
    'has no tokenizer.json (how texts become its inputs)',
    'put the tokenizer.json of the model beside it; exporters such as optimum write it',
  );
}

function modelIn(folder: string): string {
  const candidates = ['onnx/model.onnx', 'model.onnx'].map((name) => join(folder, name));
  const found = candidates.find(existsSync);
  if (found !== undefined) return found;
  throw new TeacherFileError(
    folder,
    'has neither onnx/model.onnx nor model.onnx',
    'make it of model.safetensors: npx decant teacher add ./FOLDER; or export it: optimum-cli export onnx --model NAME --task text-classification FOLDER',
  );
}

/** Files that hold weights outside the graph: they belong to its digest. */
function externalData(model: string): string[] {
  return [...skimModelFile(model).externalFiles].sort().map((location) => {
    if (isAbsolute(location) || location.split(/[\\/]/).includes('..')) {
      throw new TeacherFileError(
        model,
        `wants weights from ${location}, outside of its own folder`,
        'export it again with its weights beside it, or get it from somebody you trust',
      );
    }
    const file = join(dirname(model), location);
    if (existsSync(file)) return file;
    throw new TeacherFileError(
      model,
      `keeps weights in ${location}, which is not there`,
      `copy ${basename(location)} beside ${basename(model)}`,
    );
  });
}
