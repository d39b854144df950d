import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

/** Chromium on this machine, or undefined. */
export function findBrowser(): string | undefined {
  const asked = process.env['CHROMIUM'];
  return [asked, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path !== undefined && existsSync(path),
  );
}

/** What a headless browser wrote. */
export interface BrowserOutput {
  readonly stdout: string;
  /** Messages of pages to the console, of any level. */
  readonly consoleLines: readonly string[];
}

/** Opens a page in a browser that talks to nobody, does what `flags` ask for, and closes it. */
export async function browse(
  browser: string,
  url: string,
  options: { readonly profile: string; readonly flags: readonly string[]; readonly dark?: boolean },
): Promise<BrowserOutput> {
  const scheme = `--blink-settings=preferredColorScheme=${options.dark ? 0 : 1}`;
  const profile = `--user-data-dir=${options.profile}`;
  const { stdout, stderr } = await promisify(execFile)(
    browser,
    [...QUIET_FLAGS, scheme, profile, ...options.flags, url],
    { timeout: 120_000, maxBuffer: 1 << 26 },
  );
  return { stdout, consoleLines: stderr.split('\n').filter((line) => /:CONSOLE[:(]/.test(line)) };
}

const QUIET_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--hide-scrollbars',
  '--enable-logging=stderr',
];
