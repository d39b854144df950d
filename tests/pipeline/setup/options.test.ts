import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseOptions, rememberChoice, type SetupOptions } from '#pipeline/setup/options.mjs';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();

function optionsOf(args: readonly string[], env: NodeJS.ProcessEnv): SetupOptions {
  const options = parseOptions(args, env);
  assert.notEqual(options, 'help');
  return options as SetupOptions;
}

test('without arguments: automatic device, pinned wheels, the cache of the user', () => {
  assert.deepEqual(optionsOf([], { XDG_CACHE_HOME: folder }), {
    device: 'auto',
    from: 'wheels',
    cache: join(folder, 'decant-native'),
    wheelFolder: undefined,
    check: false,
  });
});

test('an unknown device, source or option is refused with what is known', () => {
  const env = { DECANT_NATIVE_CACHE: folder };
  const refusal = {
    kind: 'usage',
    message: '--device tpu is not known',
    fix: 'use one of: auto, cpu, gpu',
  };
  assert.throws(() => parseOptions(['--device', 'tpu'], env), refusal);
  assert.throws(() => parseOptions(['--from', 'moon'], env), /--from moon/);
  assert.throws(() => parseOptions(['--speed'], env), /--speed/);
  assert.throws(
    () => parseOptions([], { ...env, DECANT_NATIVE_DEVICE: 'cuda' }),
    /DECANT_NATIVE_DEVICE cuda is not known/,
  );
});

test('a device chosen by option stays chosen; the environment comes before it, an option first', () => {
  const env = { DECANT_NATIVE_CACHE: join(folder, 'remembering') };
  rememberChoice(['--device', 'cpu'], optionsOf(['--device', 'cpu'], env));
  assert.equal(optionsOf([], env).device, 'cpu');
  assert.equal(optionsOf([], { ...env, DECANT_NATIVE_DEVICE: 'gpu' }).device, 'gpu');
  rememberChoice(['--from', 'official'], optionsOf(['--from', 'official'], env));
  assert.deepEqual([optionsOf([], env).device, optionsOf([], env).from], ['cpu', 'official']);
  const again = ['--device', 'auto', '--from', 'wheels'];
  rememberChoice(again, optionsOf(again, env));
  assert.deepEqual([optionsOf([], env).device, optionsOf([], env).from], ['auto', 'wheels']);
});
