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
  readonly teacher: Readonly<Record<string, unknown>>;
  readonly student: Readonly<Record<string, unknown>>;
}

/** Where everything of a finished recipe lies, and what it measured. */
export interface Cooked {
  /** Folder of the teacher: config.json and onnx/model.onnx. */
  readonly teacher: string;
  readonly prepared: Readonly<Record<string, string>>;
  readonly softLabels: Readonly<Record<string, string>>;
  readonly student: Readonly<Record<string, string>>;
  readonly exported: Readonly<Record<string, string>>;
  readonly report: string;
  readonly figures: { readonly teacher: AnyMetrics; readonly student: AnyMetrics };
  readonly warnings: readonly string[];
}

/** Trains the teacher on gold labels alone, and returns its folder. */
export async function trainTeacher(recipe: Omit<Recipe, 'student'>): Promise<string> {
  const { task } = recipe;
  const files = { ...corpusFiles(recipe), ...(recipe.isText ? tokenizerOf('banking77') : {}) };
  const prepared = await runStage(prepare, { config: { ...recipe.corpus, task }, files });
  const gold = { softLossWeight: 0, hardLossWeight: 1, device: 'cpu', task };
  const taught = await runStage(trainStudent, {
    config: { ...gold, ...recipe.teacher },
    inputs: prepared.outputs,
  });
  return taught.outputs['student'] ?? '';
}

/** Trains the teacher, lets it speak, distils it into the student, measures both and exports. */
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
  const trained = await runStage(trainStudent, {
    config: { device: 'cpu', task, ...recipe.student },
    inputs: known,
  });
  const measured = async (subject: 'teacher' | 'student') => {
    const run = await runStage(evaluate, {
      config: {
        subject,
        name: subject === 'teacher' ? 'teacher' : 'distilled',
        task,
        latencyRuns: 3,
      },
      files: subject === 'teacher' ? { model: model.model } : {},
      inputs: { ...known, student: trained.outputs['student'] ?? '' },
    });
    return run.outputs;
  };
  const [ofTeacher, ofStudent] = [await measured('teacher'), await measured('student')];
  const exported = await runStage(exportStudent, {
    config: { name: 'distilled' },
    inputs: {
      ...known,
      student: trained.outputs['student'] ?? '',
      metrics: ofStudent['metrics'] ?? '',
    },
  });
  const reported = await runStage(report, {
    config: { variants: ['distilled'] },
    inputs: {
      ...known,
      'metrics.teacher': ofTeacher['metrics'] ?? '',
      'metrics.distilled': ofStudent['metrics'] ?? '',
      'predictions.distilled': ofStudent['predictions'] ?? '',
      'log.distilled': trained.outputs['log'] ?? '',
    },
  });
  return {
    teacher,
    prepared: prepared.outputs,
    softLabels: spoken.outputs,
    student: trained.outputs,
    exported: exported.outputs,
    report: join(reported.outputs['report'] ?? '', 'report.html'),
    figures: {
      teacher: await readAnyMetrics(ofTeacher['metrics'] ?? ''),
      student: await readAnyMetrics(ofStudent['metrics'] ?? ''),
    },
    warnings: [...prepared.warnings, ...spoken.warnings, ...trained.warnings],
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
