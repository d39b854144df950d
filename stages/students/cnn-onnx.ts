import { besideGrids, type Grid, gridsOf, halved } from './cnn-grid.ts';
import { OnnxBuilder, type Tensors } from './onnx-builder.ts';
import type { StudentShape } from './student.ts';

/** The forward pass of `cnn.ts` as an ONNX file, for any batch size. */
export function cnnOnnx(shape: StudentShape, tensors: Tensors): Uint8Array {
  const builder = new OnnxBuilder(tensors);
  const inputs = new Map(
    (shape.features ?? []).map((one) => [one.name, builder.featureInput(one.name, one.shape)]),
  );
  const means = gridsOf(shape).map((grid) => {
    const channelsFirst = asChannelsFirst(builder, inputs.get(grid.name) ?? '', grid, shape);
    return meansOfParts(builder, blocks(builder, channelsFirst, grid), grid);
  });
  const beside = besideGrids(shape).map(({ name }) => inputs.get(name) ?? '');
  const [only = '', ...others] = [...means, ...beside];
  const row = others.length === 0 ? only : builder.concat([only, ...others], 1);
  const logits = builder.linear(row, 'classifier', { bias: true });
  return builder.finish(logits, shape.classCount, 'tensors');
}

/** [batch, channels, rows, columns], of a sequence [batch, channels, rows]: what ONNX convolves. */
function asChannelsFirst(
  builder: OnnxBuilder,
  x: string,
  { isImage }: Grid,
  { channels }: StudentShape,
): string {
  if (!isImage) return builder.transpose(x, [0, 2, 1]);
  return channels === 'first' ? x : builder.transpose(x, [0, 3, 1, 2]);
}

/** Padding does not count in a mean; the filters come last, as in `cnn.ts`. */
function meansOfParts(builder: OnnxBuilder, x: string, { means, isImage }: Grid): string {
  const axes = isImage ? [means.rows, means.columns] : [means.rows];
  const window = { ints: axes.map(({ size }) => size) };
  const pads = [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)];
  const of = builder.add('AveragePool', [x], {
    kernel_shape: window,
    strides: window,
    pads: { ints: pads },
  });
  const filtersLast = builder.transpose(of, isImage ? [0, 2, 3, 1] : [0, 2, 1]);
  return builder.add('Flatten', [filtersLast], { axis: { int: 1 } });
}

function blocks(builder: OnnxBuilder, x: string, grid: Grid): string {
  let places = grid.isImage ? [grid.rows, grid.columns] : [grid.rows];
  return grid.widths.reduce((before, _, block) => {
    const name = `${grid.name}.blocks.${block}`;
    const side = Math.floor(grid.kernelSize / 2);
    const answers = builder.add(
      'Conv',
      [before, builder.weight(`${name}.weight`), builder.weight(`${name}.bias`)],
      {
        kernel_shape: { ints: places.map(() => grid.kernelSize) },
        pads: { ints: [...places, ...places].map(() => side) },
      },
    );
    const positive = builder.add('Relu', [answers]);
    if (block === grid.widths.length - 1) return positive;
    const window = { ints: places.map((size) => Math.min(2, size)) };
    places = places.map(halved);
    return builder.add('MaxPool', [positive], {
      kernel_shape: window,
      strides: window,
      ceil_mode: { int: 1 },
    });
  }, x);
}
