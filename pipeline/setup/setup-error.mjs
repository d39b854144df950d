/**
 * A set-up that cannot go on: what is wrong and the way out. It repeats the shape of `Failure`,
 * which is TypeScript and cannot be loaded before the packages are there.
 */
export class SetupError extends Error {
  /**
   * @param {'usage' | 'retry' | 'failed'} kind
   * @param {string} message
   * @param {string} fix
   */
  constructor(kind, message, fix) {
    super(message);
    this.name = 'SetupError';
    this.kind = kind;
    this.fix = fix;
  }
}

/**
 * Runs a program's main function; an expected failure becomes two lines and an exit code.
 * @param {() => Promise<number>} main returns the exit code
 */
export async function runProgram(main) {
  try {
    const code = await main();
    // Set only when there is something to say: a program may have gone on to set its own code.
    if (code !== 0) process.exitCode = code;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`error: ${error.message}\n  fix: ${error.fix}`);
    process.exitCode = EXIT_CODES[error.kind];
  }
}

/** The exit codes of the command line: 2 usage, 75 run again, 1 the rest. */
const EXIT_CODES = { usage: 2, retry: 75, failed: 1 };
