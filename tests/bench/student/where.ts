import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { withReplaced } from '#stages/tensorflow/replaced-binding.ts';
import { nativeBackend, type Tensorflow } from '#stages/tensorflow/runtime.ts';
import { batchOf, nameOf, programOf, type StepCase } from './cases.ts';
import { median, ms, percent } from './figures.ts';

/** Columns of the table of groups. */
export const groupNames = [
  'products',
  'element by element',
  'sums and softmax',
  'moves',
  'gather and scatter',
  'all weights at once',
] as const;

type Group = (typeof groupNames)[number];

/**
 * Where the time of a step goes: what TensorFlow takes for each operation when it does them one by one, by group,
 * median over steps. The recorded graph does the same operations, some of them side by side or fused.
 */
export function whereTimeGoes(tf: Tensorflow, cases: readonly StepCase[], steps: number) {
  return cases.map((given) => {
    const taken = timeByGroup(tf, given, steps);
    const total = groupNames.reduce((sum, name) => sum + taken[name], 0);
    return [nameOf(given), ms(total), ...groupNames.map((name) => percent(taken[name] / total))];
  });
}

function timeByGroup(tf: Tensorflow, given: StepCase, steps: number): Record<Group, number> {
  const program = programOf(given);
  const stepper = createEagerStepper(tf, program);
  const backend = nativeBackend(tf);
  const { binding } = backend;
  const measured = Array.from({ length: steps + 2 }, (_, index) => {
    const taken = { ...NOTHING };
    const executeOp: typeof binding.executeOp = (name, attributes, inputs, outputCount) => {
      const start = performance.now();
      const outputs = binding.executeOp(name, attributes, inputs, outputCount);
      const size = outputs[0]?.shape.reduce((product, length) => product * length, 1);
      taken[size === program.initialWeights.length ? 'all weights at once' : groupOf(name)] +=
        performance.now() - start;
      return outputs;
    };
    const feeds = batchOf(given, index);
    withReplaced(backend, { executeOp }, () => stepper.step(given.maxLength, feeds, 1e-3));
    return taken;
  }).slice(2);
  stepper.dispose();
  const medians = groupNames.map((name) => [name, median(measured.map((taken) => taken[name]))]);
  return Object.fromEntries(medians) as Record<Group, number>;
}

function groupOf(operation: string): Group {
  return GROUPS.find(([, names]) => names.test(operation))?.[0] ?? 'element by element';
}

const GROUPS: readonly (readonly [Group, RegExp])[] = [
  ['products', /MatMul/],
  ['gather and scatter', /Gather|Segment|Scatter/],
  ['sums and softmax', /^(Sum|Mean|Max|Softmax|LogSoftmax)$/],
  ['moves', /^(Transpose|Concat|Split|Pack|Unpack|Slice|StridedSlice|Pad|Tile|Reshape)/],
];

const NOTHING = Object.fromEntries(groupNames.map((name) => [name, 0])) as Record<Group, number>;
