import type { Command } from 'commander';
import { forgetCommand } from '#pipeline/commands/forget.ts';
import { duration, exitWith, withProject } from './options.ts';

/** Commands of people about single rows: labels, forget. */
export function addLabelCommands(program: Command): void {
  withProject(program.command('forget'))
    .description('take rows out of the whole store, for ever; the same command resumes')
    .option('--ids <file>', 'example ids or your own ids, one a line')
    .option('--where <sql>', `condition on examples, such as "source_id = 'u17'"`)
    .option('--dry-run', 'show what holds the rows, and stop')
    .option('--wait-lock <time>', 'wait this long when a run holds the store', duration, 0)
    .option('--json', 'print the receipt as JSON')
    .action(async (options) => exitWith(await forgetCommand(options)));
}
