import type { Command } from 'commander';
import { addCacheCommands } from './cache-commands.ts';
import { exitWith } from './options.ts';

/** Commands about what runs have made: predict, cache. */
export function addResultCommands(program: Command): void {
  program
    .command('predict')
    .description('label lines of stdin with a student')
    .requiredOption(
      '--student <dir>',
      'exported student: a Hugging Face directory with onnx/model.onnx',
    )
    .option('--top <k>', 'classes to show for each line', Number, 1)
    .option('--json', 'print JSON lines')
    .action(async (options) => {
      const { predictCommand } = await import('#pipeline/commands/predict.ts');
      exitWith(await predictCommand(options));
    });

  addCacheCommands(
    program.command('cache').description('look into the cache, check it, clear it up'),
  );
}
