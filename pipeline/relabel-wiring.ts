import { hardRelabel } from '#stages/hard-relabel/index.ts';
import { studentInstance } from './auto-student.ts';
import type { LoadedConfig } from './config.ts';
import { ConfigError } from './config-sources.ts';
import { createInstance, perSplit, type StageInstance } from './graph.ts';
import { checkVariant } from './variants.ts';

/** Hard labels by the teacher and the student that the settings name. */
export function hardRelabelInstance(loaded: LoadedConfig): StageInstance {
  const settings = loaded.config['hard-relabel'];
  if (settings === undefined) {
    const problem = 'is missing, but a variant has labels: hard-relabel';
    throw new ConfigError(loaded.file, [{ path: 'hard-relabel', problem }]);
  }
  const { student, ...config } = settings;
  checkVariant(loaded, student, 'hard-relabel.student');
  return createInstance('hard-relabel', hardRelabel, {
    config,
    files: {},
    inputs: {
      ...perSplit(['train', 'validation'], 'soft-label', 'rows'),
      ...perSplit(['train', 'validation'], 'prepare', 'labels'),
      predictions: { instance: studentInstance(loaded.config, student), output: 'predictions' },
      classes: { instance: 'prepare', output: 'classes' },
    },
  });
}
