import path from 'node:path';
import { parseArgs } from 'node:util';
import { nativeCacheFolder, readJson, setupCommand, writeJson } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** @typedef {'auto' | 'cpu' | 'gpu'} DeviceOption */
/** @typedef {'wheels' | 'official'} Source */

/**
 * @typedef {object} SetupOptions
 * @property {DeviceOption} device
 * @property {Source} from
 * @property {string} cache
 * @property {string | undefined} wheelFolder
 * @property {boolean} check run the self-check although everything is in place
 */

export const USAGE = `${setupCommand('[options]')}

  --device auto|cpu|gpu    libraries for this kind of machine (auto: gpu where an NVIDIA driver is);
                           remembered until another --device; also DECANT_NATIVE_DEVICE
  --from wheels|official   pinned wheels through pip, or the npm packages' own downloads; remembered
  --wheels DIR             take wheels from this folder before asking pip
  --cache DIR              where libraries are kept; also DECANT_NATIVE_CACHE
  --check                  run the self-check although everything is in place
`;

/**
 * Reads the arguments; what was chosen by an option before and is not named now stays chosen.
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {SetupOptions | 'help'}
 */
export function parseOptions(args, env = process.env) {
  const values = parse(args);
  if (values.help) return 'help';
  const cache = values.cache === undefined ? nativeCacheFolder(env) : path.resolve(values.cache);
  const remembered = /** @type {Remembered | undefined} */ (readJson(choiceFile(cache)));
  return {
    device: oneOf(
      DEVICES,
      values.device ?? (env['DECANT_NATIVE_DEVICE'] || (remembered?.device ?? 'auto')),
      values.device === undefined ? 'DECANT_NATIVE_DEVICE' : '--device',
    ),
    from: oneOf(SOURCES, values.from ?? remembered?.from ?? 'wheels', '--from'),
    cache,
    wheelFolder: values.wheels === undefined ? undefined : path.resolve(values.wheels),
    check: values.check ?? false,
  };
}

/**
 * Keeps what the options chose for later runs without options (`npm start`).
 * @param {readonly string[]} args
 * @param {SetupOptions} options
 */
export function rememberChoice(args, { device, from, cache }) {
  const values = parse(args);
  if (values.device === undefined && values.from === undefined) return;
  const before = /** @type {Remembered | undefined} */ (readJson(choiceFile(cache)));
  writeJson(choiceFile(cache), {
    device: values.device === undefined ? (before?.device ?? 'auto') : device,
    from,
  });
}

/** @typedef {{ device: DeviceOption, from: Source }} Remembered */

/** @param {readonly string[]} args */
function parse(args) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new SetupError('usage', /** @type {Error} */ (error).message, USAGE);
  }
}

/**
 * @template {string} T
 * @param {readonly T[]} allowed
 * @param {string} value
 * @param {string} option
 * @returns {T}
 */
function oneOf(allowed, value, option) {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new SetupError(
    'usage',
    `${option} ${value} is not known`,
    `use one of: ${allowed.join(', ')}`,
  );
}

/** @param {string} cache */
function choiceFile(cache) {
  return path.join(cache, 'choice.json');
}

const DEVICES = /** @type {const} */ (['auto', 'cpu', 'gpu']);
const SOURCES = /** @type {const} */ (['wheels', 'official']);
const OPTIONS = /** @type {const} */ ({
  device: { type: 'string' },
  from: { type: 'string' },
  wheels: { type: 'string' },
  cache: { type: 'string' },
  check: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
});
