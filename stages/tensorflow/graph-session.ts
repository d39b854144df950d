import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { feedValues } from './feeds.ts';
import { SERVING_TAG } from './graph-def.ts';
import { type Binding, type NativeBackend, nativeBackend, type Tensorflow } from './runtime.ts';
import type { GraphCall } from './step-graph.ts';
import type { Feeds } from './step-program.ts';

/** A graph loaded into TensorFlow, with the values of its variables. */
export class GraphSession {
  readonly #backend: NativeBackend;
  readonly #binding: Binding;
  readonly #savedModel: number;
  #open = true;

  constructor(tf: Tensorflow, savedModel: Uint8Array) {
    this.#backend = nativeBackend(tf);
    this.#binding = this.#backend.binding;
    this.#savedModel = load(this.#binding, savedModel);
  }

  /** Runs the graph as far as the call's output needs and returns that output. */
  run(call: GraphCall, feeds: Feeds): Float32Array {
    const binding = this.#binding;
    // All feeds are checked before the first tensor is made, so that none is left behind.
    const checked = call.feeds.map((spec) => ({ ...spec, values: feedValues(spec, feeds) }));
    const inputs = checked.map(({ shape, dtype, values }) =>
      binding.createTensor([...shape], this.#backend.getDTypeInteger(dtype), values),
    );
    try {
      const [output] = binding.runSavedModel(
        this.#savedModel,
        inputs,
        call.inputs.join(),
        call.output,
      );
      if (output === undefined) throw new Error(`the graph has no output ${call.output}`);
      const result = binding.tensorDataSync(output.id);
      binding.deleteTensor(output.id);
      if (result instanceof Float32Array) return result;
      throw new TypeError(`the graph's output ${call.output} is not float32`);
    } finally {
      for (const id of inputs) binding.deleteTensor(id);
    }
  }

  /** Frees the variables; calling it twice is allowed. */
  close(): void {
    if (this.#open) this.#binding.deleteSavedModel(this.#savedModel);
    this.#open = false;
  }
}

function load(binding: Binding, savedModel: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'decant-step-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModel);
    return binding.loadSavedModel(folder, SERVING_TAG);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
