import type { Command } from 'commander';
import { SPLITS } from '#datasets/example.ts';
import { choice, count, exitWith, time, withProject } from './options.ts';

/** Commands of people about single rows: labels, forget. */
export function addLabelCommands(program: Command): void {
  const labels = program.command('labels').description('labels that look wrong, and rows to label');
  withProject(labels.command('review'))
    .description('labelled rows of which teacher and student say something else, as CSV')
    .addOption(choice('--split <name>', 'rows to look at', SPLITS, 'validation'))
    .option('--limit <n>', 'rows to show, worst first', count, 100)
    .option('--student <variant>', 'student to ask beside the teacher (default: the exported one)')
    .option('--output <file>', 'file to write; it must not be there yet (default: stdout)')
    .action(async (options) => {
      const { labelsReviewCommand } = await import('#pipeline/commands/labels-review.ts');
      exitWith(await labelsReviewCommand(options));
    });
  withProject(labels.command('ask'))
    .description('train rows without a label that are worth one, as CSV')
    .option('--n <n>', 'rows to ask for', count, 100)
    .addOption(choice('--by <model>', 'whose doubt counts', ['teacher', 'student'], 'teacher'))
    .option('--student <variant>', 'which student (default: the exported one)')
    .option('--per-class <n>', 'most rows of one predicted class (default: twice its share)', count)
    .option('--output <file>', 'file to write; it must not be there yet (default: stdout)')
    .action(async (options) => {
      const { labelsAskCommand } = await import('#pipeline/commands/labels-ask.ts');
      exitWith(await labelsAskCommand(options));
    });

  withProject(program.command('forget'))
    .description('take rows out of the whole store, for ever; the same command resumes')
    .option('--ids <file>', 'example ids or your own ids, one a line')
    .option('--where <sql>', `condition on examples, such as "source_id = 'u17'"`)
    .option('--dry-run', 'show what holds the rows, and stop')
    .addOption(time('--wait-lock <time>', 'wait this long when a run holds the store', '0s'))
    .option('--json', 'print the receipt as JSON')
    .action(async (options) => {
      const { forgetCommand } = await import('#pipeline/commands/forget.ts');
      exitWith(await forgetCommand(options));
    });
}
