import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Binding, nativeBackend } from '#stages/tensorflow/runtime.ts';
import { xlaProblem } from '#stages/tensorflow/xla.ts';
import { tf } from './tensorflow.ts';

/** Runs the function while every step that is marked for XLA fails as one that cannot be compiled does. */
export async function whileCompilingFails<T>(run: () => Promise<T>): Promise<T> {
  const backend = nativeBackend(tf);
  const { binding } = backend;
  // It is looked at once a process; XLA as such works here.
  xlaProblem(tf);
  const marked = new Set<number>();
  const loadSavedModel: Binding['loadSavedModel'] = (folder, tags) => {
    const id = binding.loadSavedModel(folder, tags);
    if (readFileSync(join(folder, 'saved_model.pb')).includes('_XlaCompile')) marked.add(id);
    return id;
  };
  const runSavedModel: Binding['runSavedModel'] = (id, inputs, names, output) => {
    if (marked.has(id) && names.startsWith('train')) throw new Error('Compilation failed: planted');
    return binding.runSavedModel(id, inputs, names, output);
  };
  backend.binding = Object.create(binding, {
    loadSavedModel: { value: loadSavedModel },
    runSavedModel: { value: runSavedModel },
  }) as Binding;
  try {
    return await run();
  } finally {
    backend.binding = binding;
  }
}
