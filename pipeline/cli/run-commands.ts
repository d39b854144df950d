import type { Command } from 'commander';
import { choice, collect, count, exitWith, positive, time, withProject } from './options.ts';

/** Commands about runs: run, status, history, compare, tag, untag. */
export function addRunCommands(program: Command): void {
  withProject(program.command('run'))
    .description('run what is stale, in order; the same command resumes')
    .argument('[stage...]', 'stages or instances; default: all')
    .option('--from <stage>', 'this stage and all that depends on it')
    .option('--to <stage>', 'this stage and all that it depends on')
    .option('--force <stage>', 'make it again although it is fresh; may be repeated', collect, [])
    .option('--dry-run', 'show what would run and why, and stop')
    .option('--recompute-teacher', 'allow a new teacher pass over rows that a cache already holds')
    .option('--allow-stale', 'take what stages that do not run made last, although it is stale')
    .option('--smoke', 'try every stage on 200 rows in a scratch store, in under a minute')
    .option('--rehash', 'read every input file again instead of trusting unchanged ones')
    .addOption(time('--wait-lock <time>', 'wait this long when another run holds the store', '0s'))
    .addOption(time('--max-duration <time>', 'stop cleanly with exit code 75 after this long'))
    .option('--metrics-file <file>', "write figures for Prometheus' textfile collector")
    .option('--quiet', 'say nothing unless something goes wrong')
    .option('--json', 'print the result as JSON on stdout')
    .addOption(
      choice('--log-format <format>', 'how progress is logged', ['auto', 'plain', 'json'], 'auto'),
    )
    .addOption(time('--log-every <time>', 'least time between two lines of progress', '5s'))
    .action(async (stages: string[], options) => {
      const { runCommand } = await import('#pipeline/commands/run.ts');
      exitWith(await runCommand(stages, options));
    });

  withProject(program.command('sweep'))
    .description('train one variant with many settings (decant.yaml: sweep) and compare them')
    .option('--trials <n>', 'draw so many at random', count)
    .option('--jobs <n>', 'trainings at the same time', count, 1)
    .option('--output <file>', 'page with plots and table (default: sweeps/ in the store)')
    .option('--dry-run', 'show what would be trained, and stop')
    .addOption(time('--wait-lock <time>', 'wait this long when another run holds the store', '0s'))
    .addOption(time('--max-duration <time>', 'stop cleanly with exit code 75 after this long'))
    .option('--quiet', 'say nothing unless something goes wrong')
    .option('--json', 'print the result as JSON on stdout')
    .addOption(
      choice('--log-format <format>', 'how progress is logged', ['plain', 'json'], 'plain'),
    )
    .addOption(time('--log-every <time>', 'least time between two lines of progress', '5s'))
    .action(async (options) => {
      const { sweepCommand } = await import('#pipeline/commands/sweep.ts');
      exitWith(await sweepCommand(options));
    });

  withProject(program.command('estimate'))
    .description('what the teacher would cost: rows, tokens, hours, money and disk')
    .option('--price-per-hour <x>', 'what an hour of this device costs', positive)
    .option('--seconds <n>', 'how long the teacher is timed', positive, 30)
    .option('--json', 'print it as JSON')
    .action(async (options) => {
      const { estimateCommand } = await import('#pipeline/commands/estimate.ts');
      exitWith(await estimateCommand(options));
    });

  withProject(program.command('status'))
    .description('what is fresh, what is stale, and which input or setting changed it')
    .option('--check', 'exit with 0 when all is fresh, with 10 when not')
    .option('--json', 'print it as JSON')
    .option('--rehash', 'read every input file again instead of trusting unchanged ones')
    .action(async (options) => {
      const { statusCommand } = await import('#pipeline/commands/status.ts');
      exitWith(await statusCommand(options));
    });

  withProject(program.command('history'))
    .description('the runs of the store, newest first, with the best student of each')
    .option('--limit <n>', 'runs to show', count, 20)
    .option('--json', 'print everything that run.json keeps, as JSON')
    .action(async (options) => {
      const { historyCommand } = await import('#pipeline/commands/history.ts');
      exitWith(await historyCommand(options));
    });

  withProject(program.command('compare'))
    .description('two runs side by side: settings that differ, and all figures')
    .argument('<a>', 'run id or its beginning, a tag, or "last"')
    .argument('<b>', 'likewise')
    .option('--markdown', 'print tables for a pull request')
    .option('--json', 'print it as JSON')
    .action(async (a: string, b: string, options) => {
      const { compareCommand } = await import('#pipeline/commands/compare.ts');
      exitWith(await compareCommand(a, b, options));
    });

  withProject(program.command('tag'))
    .description('name a run; `cache gc` keeps what it made')
    .argument('<run>', 'run id or its beginning, another tag, or "last"')
    .argument('<name>', 'the tag; an existing one moves')
    .action(async (run: string, name: string, options) => {
      const { tagCommand } = await import('#pipeline/commands/history.ts');
      exitWith(await tagCommand(run, name, options));
    });

  withProject(program.command('untag'))
    .description('take a tag away')
    .argument('<name>', 'the tag')
    .action(async (name: string, options) => {
      const { untagCommand } = await import('#pipeline/commands/history.ts');
      exitWith(await untagCommand(name, options));
    });
}
