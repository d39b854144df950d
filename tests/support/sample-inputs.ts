import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare } from '#stages/prepare/index.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { repository, sampleFolder } from './paths.ts';
import { sampleFiles } from './prepare-run.ts';
import { runStage } from './run-stage.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Outputs of prepare and soft-label of a sample, by the names that later stages know them under. */
export interface SampleInputs {
  readonly prepared: Readonly<Record<string, string>>;
  readonly softLabels: Readonly<Record<string, string>>;
}

/**
 * Prepares a sample and lets its teacher speak, in a process of its own: ONNX Runtime and TensorFlow
 * never share one.
 */
export function sampleInputs(name: 'mini' | 'banking77', softLabelConfig: object): SampleInputs {
  const folder = temporaryFolder();
  const args = [import.meta.filename, name, folder, JSON.stringify(softLabelConfig)];
  const child = spawnSync(process.execPath, ['--import', './cache/loader/register.mjs', ...args], {
    cwd: repository,
    encoding: 'utf8',
  });
  if (child.status !== 0) throw new Error(`making the inputs failed: ${child.stderr}`);
  return JSON.parse(child.stdout);
}

async function makeInputs(
  name: 'mini' | 'banking77',
  folder: string,
  config: object,
): Promise<SampleInputs> {
  const prepared = await runStage(prepare, {
    files: sampleFiles(name),
    folder: join(folder, 'prepare'),
  });
  const teacher = join(sampleFolder(name), 'teacher');
  const spoken = await runStage(softLabel, {
    config,
    inputs: prepared.outputs,
    files: {
      model: [join(teacher, 'onnx', 'model.onnx')],
      modelConfig: [join(teacher, 'config.json')],
    },
    folder: join(folder, 'soft-label'),
  });
  return { prepared: prepared.outputs, softLabels: spoken.outputs };
}

if (process.argv[1] === import.meta.filename) {
  const [name = '', folder = '', config = '{}'] = process.argv.slice(2);
  if (name !== 'mini' && name !== 'banking77') throw new Error(`no sample "${name}"`);
  process.stdout.write(JSON.stringify(await makeInputs(name, folder, JSON.parse(config))));
}
