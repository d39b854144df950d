import { fileURLToPath } from 'node:url';

/** Are we the JavaScript of the package, or the TypeScript of a checkout, which Node needs help to read? */
export const isCompiled = !import.meta.url.endsWith('.ts');

/** Where a file of ours that begins a thread or a process lies: its name ends in .js in the package. */
export function ownProgram(name: string, beside: string): URL {
  return new URL(isCompiled ? name.replace(/\.ts$/, '.js') : name, beside);
}

/** The same as a path. */
export function ownProgramPath(name: string, beside: string): string {
  return fileURLToPath(ownProgram(name, beside));
}
