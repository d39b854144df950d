import type { OptimizerSettings } from '#stages/tensorflow/step-program.ts';
import type { Settings } from './settings.ts';

/** The settings that choose an optimiser. */
export type OptimizerChoice = Pick<Settings, 'weightDecay' | 'maxGradNorm'> &
  Partial<Pick<Settings, 'optimizer' | 'momentum' | 'nesterov' | 'accumulate' | 'averageWeights'>>;

/** The optimiser that the settings ask for, with the constants of PyTorch. */
export function optimizerOf(choice: OptimizerChoice): OptimizerSettings {
  const { weightDecay, maxGradNorm, averageWeights } = choice;
  const shared = {
    weightDecay,
    maxGradNorm,
    ...(averageWeights !== undefined && { averageDecay: averageWeights }),
  };
  switch (choice.optimizer) {
    case undefined:
    case 'adamw':
      return { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, ...shared };
    case 'sgd': {
      const { momentum = 0.9, nesterov = false } = choice;
      return { kind: 'sgd', momentum, nesterov, ...shared };
    }
    case 'rmsprop':
      return { kind: 'rmsprop', smoothing: 0.99, epsilon: 1e-8, ...shared };
    default:
      return choice.optimizer satisfies never;
  }
}
