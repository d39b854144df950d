const startedAt = Date.now();

/**
 * One line a step, on stderr: stdout belongs to results.
 * @param {string} text
 */
export function say(text) {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.error(`set-up ${seconds.padStart(5)} s  ${text}`);
}

/**
 * Decimal megabytes, as download pages and disks count them; gigabytes from 1000 on.
 * @param {number} megabytes
 */
export function inMegabytes(megabytes) {
  return megabytes < 1000 ? `${Math.round(megabytes)} MB` : `${(megabytes / 1000).toFixed(2)} GB`;
}
