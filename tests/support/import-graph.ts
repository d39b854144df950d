import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from './paths.ts';

/** What is loaded, at once or later, when these files are: our own files, and packages by name. */
export function importGraph(entries: readonly string[]): { files: string[]; packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    for (const target of valueImports(readFileSync(join(repository, file), 'utf8'))) {
      if (target.startsWith('node:')) continue;
      if (target.startsWith('#')) visit(target.slice(1));
      else if (target.startsWith('.')) visit(join(dirname(file), target));
      else packages.add(packageOf(target));
    }
  };
  entries.forEach(visit);
  return { files: [...files].sort(), packages: [...packages].sort() };
}

/** Targets of imports that are more than types: `import type` and braces with types alone are erased. */
function valueImports(text: string): string[] {
  const statements = text.matchAll(
    /(?:import|export)\s+([^'";]*?)\s*from\s*'([^'\n]+)'|import\s*'([^'\n]+)'|(?:import|import\.meta\.resolve)\(\s*'([^'\n]+)'/g,
  );
  return [...statements].flatMap(([, names = '', from, bare, called]) =>
    from === undefined ? (bare ?? called ?? []) : names.startsWith('type ') ? [] : from,
  );
}

function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
}
