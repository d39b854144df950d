import type { Binding, NativeBackend } from './runtime.ts';

/** Runs the function while these methods stand in for the native ones. */
export function withReplaced<T>(
  backend: NativeBackend,
  methods: Partial<Binding>,
  compute: () => T,
): T {
  const { binding } = backend;
  // Properties of a native module are read-only, so that plain assignment would throw.
  const descriptors = Object.fromEntries(
    Object.entries(methods).map(([name, value]) => [name, { value }]),
  );
  backend.binding = Object.create(binding, descriptors) as Binding;
  try {
    return compute();
  } finally {
    backend.binding = binding;
  }
}
