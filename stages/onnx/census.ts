import { z } from 'zod';

/** Where the nodes of a graph ran and what they needed, from the profile of one run. */
export interface Census {
  /** Nodes by provider, such as { cuda: 172, cpu: 14 }. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Of a graph on several providers: nodes on the CPU that only reckon with shapes and indices, by operator. */
  readonly shapesOnCpu: Readonly<Record<string, number>>;
  /** Of a graph on several providers: nodes on the CPU that compute, by operator. */
  readonly workOnCpu: Readonly<Record<string, number>>;
  /** What ONNX Runtime held before the first node: weights, as they lie in memory. */
  readonly weightBytes: number;
  /** The most that the run needed beside the weights. */
  readonly activationBytes: number;
}

/** Counts the nodes of a profile that ONNX Runtime wrote. */
export function censusOf(profile: unknown): Census {
  const kernels = profileSchema.parse(profile).flatMap((event) => {
    const kernel = kernelSchema.safeParse(event);
    return kernel.success ? [kernel.data.args] : [];
  });
  const providers = kernels.map(({ provider }) => shortName(provider));
  const isSplit = new Set(providers).size > 1;
  const onCpu = kernels.filter((_, index) => isSplit && providers[index] === 'cpu');
  const operators = (some: readonly Kernel[]) => countOf(some.map(({ op_name: name }) => name));
  const [first] = kernels;
  // Before the first node lie the weights; what it allocated itself is told as the difference.
  const weightBytes =
    first === undefined ? 0 : Math.max(0, first.mem_bytes_in_use - first.mem_in_use_delta);
  const peak = kernels.reduce((most, one) => Math.max(most, one.mem_in_use_peak), 0);
  return {
    nodes: countOf(providers),
    shapesOnCpu: operators(onCpu.filter(isShapeArithmetic)),
    workOnCpu: operators(onCpu.filter((kernel) => !isShapeArithmetic(kernel))),
    weightBytes,
    activationBytes: Math.max(0, peak - weightBytes),
  };
}

/** A census in a few words: `cuda 172, cpu 14`. */
export function describeCounts(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.map(([name, count]) => `${name} ${count}`).join(', ');
}

/** ONNX Runtime leaves such nodes on the CPU on purpose: they say how large tensors are. */
function isShapeArithmetic({ output_type_shape: outputs }: Kernel): boolean {
  return outputs.every((output) =>
    Object.entries(output).every(
      ([type, shape]) => /^u?int|^bool/.test(type) || shape.every((size) => size === 1),
    ),
  );
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** `CUDAExecutionProvider` is `cuda` in decant.yaml. */
function shortName(provider: string): string {
  return provider.replace(/ExecutionProvider$/, '').toLowerCase();
}

const bytes = z.coerce.number().default(0);

const kernelSchema = z.object({
  cat: z.literal('Node'),
  args: z.object({
    provider: z.string().min(1),
    op_name: z.string(),
    output_type_shape: z.array(z.record(z.string(), z.array(z.number()))).default([]),
    mem_bytes_in_use: bytes,
    mem_in_use_delta: bytes,
    mem_in_use_peak: bytes,
  }),
});

type Kernel = z.infer<typeof kernelSchema>['args'];

const profileSchema = z.array(z.unknown());
