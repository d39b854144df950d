import fs from 'node:fs';
import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import { projectFolder, readJson, writeJson } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * Makes a folder of what `npm pack` takes from the checkout: JavaScript, types and the mini sample.
 * @param {string} dist has nothing of it yet
 */
export async function buildInto(dist) {
  const { name, version, type, peerDependencies } = /** @type {Record<string, unknown>} */ (
    readJson(path.join(projectFolder, 'package.json'))
  );
  // The folder stands for the root of the checkout, where our version and the kind of modules are looked up.
  writeJson(path.join(dist, 'package.json'), { name, version, type, peerDependencies });
  const sources = path.join(dist, 'sources');
  for (const layer of LAYERS) {
    for (const file of codeIn(path.join(projectFolder, layer))) {
      copyRewritten(path.join(layer, file), { to: sources, rewrite: withRelativeImports });
    }
  }
  const settings = /** @type {object} */ (
    readJson(path.join(projectFolder, 'tsconfig.build.json'))
  );
  const shared = path.join(projectFolder, 'tsconfig.json');
  writeJson(path.join(sources, 'tsconfig.json'), { ...settings, extends: shared });
  await compile(sources);
  fs.rmSync(sources, { recursive: true });
  for (const file of codeIn(dist).filter((name) => name.endsWith('.d.ts'))) {
    const at = path.join(dist, file);
    fs.writeFileSync(at, withScriptNames(fs.readFileSync(at, 'utf8')));
  }
  for (const file of AS_THEY_ARE) {
    fs.cpSync(path.join(projectFolder, file), path.join(dist, file), { recursive: true });
  }
}

/** @param {string} sources */
async function compile(sources) {
  const compiler = path.join(projectFolder, 'node_modules/.bin/tsc');
  const outcome = await runCommand(compiler, ['-p', sources], { cwd: projectFolder });
  if (outcome.status === 0) return;
  throw new SetupError('failed', `tsc failed:\n${lastLines(outcome, 20)}`, 'run npm run check');
}

/** @param {string} folder */
function codeIn(folder) {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?[jt]s$/.test(file));
}

/**
 * @param {string} file
 * @param {{ to: string, rewrite: (text: string, file: string) => string }} options
 */
function copyRewritten(file, { to, rewrite }) {
  const at = path.join(to, file);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.writeFileSync(at, rewrite(fs.readFileSync(path.join(projectFolder, file), 'utf8'), file));
}

/**
 * `#stages/x.ts` becomes a relative path: those the compiler turns into names of JavaScript, and the package
 * needs no map of imports, which some bundlers do not know.
 * @param {string} text
 * @param {string} file
 */
function withRelativeImports(text, file) {
  return text.replaceAll(
    /(['"])#((?:pipeline|stages|datasets|cache)\/[^'"\s]+)\1/g,
    (_, quote, target) => {
      const relative = path.relative(path.dirname(file), target);
      return `${quote}${relative.startsWith('.') ? relative : `./${relative}`}${quote}`;
    },
  );
}

/**
 * The compiler leaves imports of types as they are.
 * @param {string} text
 */
function withScriptNames(text) {
  return text.replaceAll(/((?:from |import |import\()(['"])\.[^'"\s]*)\.ts\2/g, '$1.js$2');
}

const LAYERS = ['pipeline', 'stages', 'datasets', 'cache'];
const AS_THEY_ARE = ['datasets/samples/mini', 'pipeline/setup/tfjs_binding-linux-x64.node'];
