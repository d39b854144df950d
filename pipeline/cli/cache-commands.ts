import type { Command } from 'commander';
import { SPLITS } from '#datasets/example.ts';
import { ANSWER_FORMATS, EXPORT_FORMATS } from '#pipeline/display/format-names.ts';
import {
  choice,
  count,
  exitWith,
  names,
  sampleShare,
  share,
  time,
  withProject,
} from './options.ts';

/** Commands about the soft-label cache: ls, info, head, stats, sql, export, verify, gc. */
export function addCacheCommands(cache: Command): void {
  withProject(cache.command('ls'))
    .description('the soft-label caches of the store, the fresh one first')
    .option('--json', 'print it as JSON')
    .action(async (options) => {
      const { cacheLsCommand } = await import('#pipeline/commands/cache-ls.ts');
      exitWith(await cacheLsCommand(options));
    });

  withProject(cache.command('info'))
    .description('all that manifest and footers say about one cache')
    .argument('[fingerprint]', 'cache or its beginning, from `cache ls`; default: the fresh one')
    .option('--teacher <name>', TEACHER_HELP)
    .option('--json', 'print it as JSON')
    .action(async (fingerprint: string | undefined, options) => {
      const { cacheInfoCommand } = await import('#pipeline/commands/cache-info.ts');
      exitWith(await cacheInfoCommand(fingerprint, options));
    });

  withProject(cache.command('head'))
    .description('the first rows: text, gold label, what the teacher says and how sure it is')
    .option('--teacher <name>', TEACHER_HELP)
    .option('-n, --rows <n>', 'rows to show', count, 10)
    .addOption(choice('--split <split>', 'rows of which split', SPLITS, 'train'))
    .option('--top <n>', 'classes to show a row', count, 3)
    .addOption(
      choice('--format <format>', 'how to print them', ['table', 'json', 'jsonl', 'csv'], 'table'),
    )
    .action(async (options) => {
      const { cacheHeadCommand } = await import('#pipeline/commands/cache-head.ts');
      exitWith(await cacheHeadCommand(options));
    });

  withProject(cache.command('stats'))
    .description(
      'histograms of entropy, confidence, margin and kept mass; agreement with gold by class',
    )
    .option('--teacher <name>', TEACHER_HELP)
    .addOption(choice('--split <split>', 'only rows of this split', SPLITS))
    .option('--classes <n>', 'classes to show, those of least agreement first', count, 20)
    .option('--json', 'print it as JSON, with all classes')
    .action(async (options) => {
      const { cacheStatsCommand } = await import('#pipeline/commands/cache-stats.ts');
      exitWith(await cacheStatsCommand(options));
    });

  withProject(cache.command('sql'))
    .description('ask the cache with one SELECT over views')
    .argument('[query]', 'SQL; without it the views are listed')
    .option('--teacher <name>', TEACHER_HELP)
    .addOption(choice('--format <format>', 'how to write the rows', ANSWER_FORMATS, 'table'))
    .option('--output <file>', 'write them there instead of stdout')
    .option('--no-spreadsheet-safe', CSV_HELP)
    .action(async (query: string | undefined, options) => {
      const { cacheSqlCommand } = await import('#pipeline/commands/cache-sql.ts');
      exitWith(await cacheSqlCommand(query, options));
    });

  withProject(cache.command('export'))
    .description('write the soft labels with texts and gold labels for other programs')
    .option('--teacher <name>', TEACHER_HELP)
    .addOption(
      choice('--format <format>', 'format (default: by the ending of --output)', EXPORT_FORMATS),
    )
    .option('--output <file>', 'file to write; an Arrow file has a footer, stdout gets a stream')
    .option('--where <sql>', `only these rows, such as "split = 'train' and confidence > 0.9"`)
    .option('--columns <a,b>', 'only these columns', names)
    .option('--no-spreadsheet-safe', CSV_HELP)
    .action(async (options) => {
      const { cacheExportCommand } = await import('#pipeline/commands/cache-export.ts');
      exitWith(await cacheExportCommand(options));
    });

  withProject(cache.command('verify'))
    .description('read all of a cache: files, checksums, and what must hold of every row')
    .argument('[fingerprint]', 'cache or its beginning, from `cache ls`; default: the fresh one')
    .option('--teacher <name>', TEACHER_HELP)
    .option('--against-teacher', 'then ask the teacher about some rows again')
    .option(
      '--sample <share>',
      'share of the rows of each file that it is asked about',
      sampleShare,
      0.01,
    )
    .option('--seed <n>', 'decides which rows', count, 1)
    .option('--threshold <dp>', 'largest difference of a probability beyond rounding', share, 0.001)
    .option('--repair', 'make broken files again; the others are kept')
    .option('--recompute-teacher', 'repair: allow that all rows meet the teacher again')
    .addOption(
      time('--wait-lock <time>', 'repair: wait this long when a run holds the store', '0s'),
    )
    .option('--json', 'print it as JSON')
    .action(async (fingerprint: string | undefined, options) => {
      const { cacheVerifyCommand } = await import('#pipeline/commands/cache-verify.ts');
      exitWith(await cacheVerifyCommand(fingerprint, options));
    });

  withProject(cache.command('gc'))
    .description('remove what no fresh stage, no newer run and no tag needs')
    .option('--dry-run', 'show what would be removed, and stop')
    .option('--keep <n>', 'keep what the newest N runs made or used', count, 5)
    .addOption(time('--older-than <time>', 'remove nothing younger than this', '7d'))
    .addOption(time('--wait-lock <time>', 'wait this long when a run holds the store', '0s'))
    .option('--json', 'print it as JSON')
    .action(async (options) => {
      const { cacheGcCommand } = await import('#pipeline/commands/cache-gc.ts');
      exitWith(await cacheGcCommand(options));
    });
}

const TEACHER_HELP = 'whose cache, of several teachers or heads (default: teacher)';
const CSV_HELP = 'CSV: leave texts as they are that a spreadsheet would run as formulas';
