// Node's hook for modules: takes the types out of .ts files and keeps the result under node_modules, by
// content. Specifiers need no hook: ours name their files in full, and Node knows `imports` of package.json.
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context);
  return { format: 'module', source: await withoutTypes(fileURLToPath(url)), shortCircuit: true };
}

/**
 * The file as JavaScript, with a source map.
 * @param {string} file
 */
async function withoutTypes(file) {
  const text = readFileSync(file, 'utf8');
  const name = path.basename(file);
  const key = createHash('sha256').update(`${FORM}\n${name}\n${text}`).digest('hex');
  const kept = path.join(KEPT, `${key.slice(0, 32)}.mjs`);
  const known = readIfThere(kept);
  if (known !== undefined) return known;
  const { transform } = await import('esbuild');
  const { code } = await transform(text, {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    sourcefile: name,
    sourcemap: 'inline',
    sourcesContent: false,
  });
  keep(kept, code);
  return code;
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Other processes write the same file: each under a name of its own, then by one rename. What cannot be
 * kept, as node_modules belongs to somebody else, is made anew next time.
 * @param {string} file
 * @param {string} code
 */
function keep(file, code) {
  const draft = `${file}.${randomUUID()}`;
  try {
    mkdirSync(KEPT, { recursive: true });
    writeFileSync(draft, code);
    renameSync(draft, file);
  } catch {
    return;
  }
}

const KEPT = path.join(import.meta.dirname, '../../node_modules/.cache/decant-typescript');

/** Raise it when the same text would now give other JavaScript. */
const FORM = 1;
