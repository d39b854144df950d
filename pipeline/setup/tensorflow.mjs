import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { lastLines, runCommand } from './command.mjs';
import {
  installCommand,
  packageFolder,
  placeCopy,
  placeLink,
  readJson,
  setupCommand,
} from './places.mjs';
import { say } from './say.mjs';
import { SetupError } from './setup-error.mjs';

/** The npm package whose native half this is. */
export const TFJS = '@tensorflow/tfjs-node-gpu';

/**
 * Puts the addon and TensorFlow's libraries where the package looks for them.
 * @param {string} project
 * @param {{ site: string, cache: string }} options site: folder of the unpacked wheels
 */
export async function placeTensorflow(project, { site, cache }) {
  const folder = packageFolder(project, TFJS);
  if (folder === undefined) throw missingPackage();
  const addon = await findAddon(project, { folder, site, cache });
  placeCopy(addon.file, addonFile(folder));
  // A link to the folder, not to its files: $ORIGIN/../nvidia of the wheel's layout still resolves.
  placeLink(path.join(site, 'tensorflow'), path.join(folder, 'deps/lib'));
  say(`TensorFlow addon ${addon.origin}, linked to ${path.basename(site)}`);
}

/**
 * Whether the addon and the libraries that it was linked to are there.
 * @param {string} project
 */
export function tensorflowIsPlaced(project) {
  const folder = packageFolder(project, TFJS);
  if (folder === undefined || !fs.existsSync(addonFile(folder))) return false;
  const libraries = path.join(folder, 'deps/lib');
  return ['libtensorflow_cc.so.2', 'libtensorflow.so.2'].some((name) =>
    fs.existsSync(path.join(libraries, name)),
  );
}

/**
 * The addon is plain Node-API and C: one file serves every Node version and both kinds of wheel.
 * @param {string} project
 * @param {{ folder: string, site: string, cache: string }} options
 * @returns {Promise<{ file: string, origin: string }>}
 */
async function findAddon(project, { folder, site, cache }) {
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) =>
    path.join(folder, 'binding', name),
  );
  const compiled = path.join(cache, `addon-${digestOf(sources)}`, 'tfjs_binding.node');
  if (fs.existsSync(compiled)) return { file: compiled, origin: 'compiled earlier' };
  const compiler = process.env['CXX'] || 'g++';
  const outcome = await compile(compiler, sources, { project, site, compiled });
  if (outcome.status === 0) return { file: compiled, origin: `compiled by ${compiler}` };
  if (outcome.status !== 127) say(`${compiler} failed: ${lastLines(outcome, 1)}`);
  return { file: shippedAddon(folder), origin: 'as shipped' };
}

/**
 * @param {string} compiler
 * @param {readonly string[]} sources
 * @param {{ project: string, site: string, compiled: string }} options
 */
async function compile(compiler, sources, { project, site, compiled }) {
  const libraries = path.join(site, 'tensorflow');
  const headers = [
    path.join(project, 'node_modules/node-api-headers/include'),
    path.join(libraries, 'include'),
  ];
  const temporary = `${compiled}.${process.pid}.tmp`;
  fs.mkdirSync(path.dirname(compiled), { recursive: true });
  const outcome = await runCommand(compiler, [
    ...FLAGS,
    ...headers.map((header) => `-I${header}`),
    ...sources,
    '-o',
    temporary,
    `-L${libraries}`,
    '-l:libtensorflow_cc.so.2',
    '-l:libtensorflow_framework.so.2',
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
  ]);
  if (outcome.status === 0) fs.renameSync(temporary, compiled);
  return outcome;
}

/** @param {string} folder */
function shippedAddon(folder) {
  const manifest = /** @type {{ version?: string }} */ (
    readJson(path.join(folder, 'package.json'))
  );
  if (manifest.version === SHIPPED_FOR) return SHIPPED;
  throw new SetupError(
    'failed',
    `the shipped TensorFlow addon belongs to ${TFJS} ${SHIPPED_FOR}; installed is ${manifest.version}`,
    `install g++ (Debian, Ubuntu: apt-get install g++) and run \`${setupCommand()}\` again`,
  );
}

/** @param {readonly string[]} sources */
function digestOf(sources) {
  const hash = createHash('sha256').update(FLAGS.join(' '));
  for (const source of sources) hash.update(fs.readFileSync(source));
  return hash.digest('hex').slice(0, 12);
}

/** @param {string} folder */
function addonFile(folder) {
  return path.join(folder, 'lib/napi-v8/tfjs_binding.node');
}

function missingPackage() {
  return new SetupError(
    'failed',
    `${TFJS} is not in node_modules`,
    `run \`${installCommand}\`, then \`${setupCommand()}\``,
  );
}

/** Made by the command above from the sources of this version; needs GLIBCXX_3.4.29 (GCC 11). */
const SHIPPED = path.join(import.meta.dirname, 'tfjs_binding-linux-x64.node');
const SHIPPED_FOR = '4.22.0';

const FLAGS = [
  '-O2',
  '-s',
  '-std=c++17',
  '-fPIC',
  '-shared',
  '-DNAPI_VERSION=8',
  '-DNODE_GYP_MODULE_NAME=tfjs_binding',
  '-DBUILDING_NODE_EXTENSION',
];
