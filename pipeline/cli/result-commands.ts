import type { Command } from 'commander';
import { cacheSqlCommand } from '#pipeline/commands/cache.ts';
import { cacheGcCommand } from '#pipeline/commands/cache-gc.ts';
import { predictCommand } from '#pipeline/commands/predict.ts';
import { choice, count, duration, exitWith, withProject } from './options.ts';

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
    .action(async (options) => exitWith(await predictCommand(options)));

  const cache = program.command('cache').description('look into the cache, and clear it up');
  withProject(cache.command('sql'))
    .description('ask the cache with one SELECT over views')
    .argument('[query]', 'SQL; without it the views are listed')
    .addOption(
      choice('--format <format>', 'how to print the rows', ['table', 'json', 'csv'], 'table'),
    )
    .action(async (query: string | undefined, options) =>
      exitWith(await cacheSqlCommand(query, options)),
    );
  withProject(cache.command('gc'))
    .description('remove what no fresh stage, no newer run and no tag needs')
    .option('--dry-run', 'show what would be removed, and stop')
    .option('--keep <n>', 'keep what the newest N runs made or used', count, 5)
    .option('--older-than <time>', 'remove nothing younger than this', duration, 7 * DAY_MS)
    .option('--wait-lock <time>', 'wait this long when a run holds the store', duration, 0)
    .option('--json', 'print it as JSON')
    .action(async (options) => exitWith(await cacheGcCommand(options)));
}

const DAY_MS = 86_400_000;
