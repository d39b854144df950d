import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyMetrics, readAnyMetrics } from '#datasets/metrics/metrics.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { exportStudent } from '#stages/export-student/index.ts';
import { prepare } from '#stages/prepare/index.ts';
import { report } from '#stages/report/index.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { sampleFolder } from './paths.ts';
import { runStage } from './run-stage.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Rows of a corpus as JSON Lines would have them. */
export type Rows = readonly Readonly<Record<string, unknown>>[];

/** A whole project of which the teacher is trained first, on gold labels alone. */
export interface Recipe {
  readonly task?: 'multi-label' | 'regression';
  readonly splits: Readonly<Record<'train' | 'validation' | 'test', Rows | string>>;
  /** Settings of prepare, without the task. */
  readonly corpus: Readonly<Record<string, unknown>>;
  readonly isText: boolean;
  /** Settings to train it with on the gold labels, or the folder of one that there is. */
  readonly teacher: Readonly<Record<string, unknown>> | string;
  readonly student: Readonly<Record<string, unknown>>;
}

/** What a finished recipe exported and measured. */
export interface Cooked {
  /** Folder of the exported student. */
  readonly exported: string;
  readonly figures: { readonly teacher: AnyMetrics; readonly student: AnyMetrics };
  /** Trains another student from the same rows and the same cache, and measures it. */
  readonly another: (student: Readonly<Record<string, unknown>>) => Promise<AnyMetrics>;
}

/** Trains the teacher on gold labels alone where it is no folder, and returns its folder. */
export async function trainTeacher(recipe: Omit<Recipe, 'student'>): Promise<string> {
  const { task } = recipe;
  if (typeof recipe.teacher === 'string') return recipe.teacher;
  const files = { ...corpusFiles(recipe), ...(recipe.isText ? tokenizerOf('banking77') : {}) };
  const prepared = await runStage(prepare, { config: { ...recipe.corpus, task }, files });
  const gold = { softLossWeight: 0, hardLossWeight: 1, device: 'cpu', task };
  const taught = await runStage(trainStudent, {
    config: { ...gold, ...recipe.teacher },
    inputs: prepared.outputs,
  });
  return taught.outputs['student'] ?? '';
}

/** Lets the teacher speak, trained first if need be, distils it into the student, measures both and exports. */
export async function cook(recipe: Recipe): Promise<Cooked> {
  const { task } = recipe;
  const teacher = await trainTeacher(recipe);
  const own = (name: string) => [join(teacher, name)];
  const prepared = await runStage(prepare, {
    config: { ...recipe.corpus, classNames: undefined, task },
    files: {
      ...corpusFiles(recipe),
      teacherConfig: own('config.json'),
      ...(recipe.isText && {
        teacherTokenizer: own('tokenizer.json'),
        teacherTokenizerConfig: own('tokenizer_config.json'),
        teacherSpecialTokens: own('special_tokens_map.json'),
      }),
    },
  });
  const model = { model: own('onnx/model.onnx'), modelConfig: own('config.json') };
  const spoken = await runStage(softLabel, {
    config: { task, device: 'cpu' },
    inputs: prepared.outputs,
    files: model,
  });
  const known = {
    ...prepared.outputs,
    ...spoken.outputs,
    classes: prepared.outputs['classes'] ?? '',
  };
  const trained = (settings: Recipe['student']) =>
    runStage(trainStudent, { config: { device: 'cpu', task, ...settings }, inputs: known });
  const measured = async (name: string, student?: string) => {
    const { outputs } = await runStage(evaluate, {
      config: { subject: student ? 'student' : 'teacher', name, task, latencyRuns: 3 },
      files: student ? {} : { model: model.model },
      inputs: student ? { ...known, student } : known,
    });
    return outputs;
  };
  const { student = '', log = '' } = (await trained(recipe.student)).outputs;
  const [ofTeacher, ofStudent] = [await measured('teacher'), await measured('distilled', student)];
  const exported = await runStage(exportStudent, {
    config: { name: 'distilled' },
    inputs: { ...known, student, metrics: ofStudent['metrics'] ?? '' },
  });
  await runStage(report, {
    config: { variants: ['distilled'] },
    inputs: {
      ...known,
      'metrics.teacher': ofTeacher['metrics'] ?? '',
      'metrics.distilled': ofStudent['metrics'] ?? '',
      'predictions.distilled': ofStudent['predictions'] ?? '',
      'log.distilled': log,
    },
  });
  const metricsOf = (outputs: Readonly<Record<string, string>>) =>
    readAnyMetrics(outputs['metrics'] ?? '');
  return {
    exported: exported.outputs['student'] ?? '',
    figures: { teacher: await metricsOf(ofTeacher), student: await metricsOf(ofStudent) },
    another: async (settings) =>
      metricsOf(await measured('another', (await trained(settings)).outputs['student'])),
  };
}

/** A figure of a model whose answers are numbers. */
export function figure(metrics: AnyMetrics, name: string): number {
  if (!('figures' in metrics)) throw new Error(`${metrics.name} is a classifier`);
  return metrics.figures[name] ?? Number.NaN;
}

function corpusFiles({ splits }: Pick<Recipe, 'splits'>): Record<string, string[]> {
  const folder = temporaryFolder('decant-recipe');
  mkdirSync(folder, { recursive: true });
  return Object.fromEntries(
    Object.entries(splits).map(([split, rows]) => {
      if (typeof rows === 'string') return [split, [rows]];
      const path = join(folder, `${split}.jsonl`);
      writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      return [split, [path]];
    }),
  );
}

function tokenizerOf(sample: 'banking77'): Record<string, string[]> {
  const folder = join(sampleFolder(sample), 'teacher');
  return {
    teacherTokenizer: [join(folder, 'tokenizer.json')],
    teacherTokenizerConfig: [join(folder, 'tokenizer_config.json')],
    teacherSpecialTokens: [join(folder, 'special_tokens_map.json')],
  };
}
