import type { Timings } from '#datasets/metrics/metrics.ts';
import { count, NONE, threeDigits } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';

type Timed = readonly { readonly timings: Timings | null }[];

/** Heads of the columns that `latencyCells` fills. */
export function latencyHeads(models: Timed): Html {
  const [rows = 32] = models.flatMap(({ timings }) => timings?.latencyMsBatched?.rows ?? []);
  return html`<th scope="col" class="num">Latency<small>p50 / p95, ms</small><small>below: of ${rows} rows</small></th><th scope="col" class="num">Rows/s<small>batch ${rows}</small></th>`;
}

/** How fast a model answers, alone and in batches; dashes for one that does not run. */
export function latencyCells(timings: Timings | null): Html {
  const batched = timings?.latencyMsBatched;
  return html`<td class="num">${both(timings?.latencyMsBatch1)}${batched && html` <span class="range">${both(batched)}</span>`}</td><td class="num">${timings === null ? NONE : count(timings.rowsPerSecond)}</td>`;
}

function both(latency: { readonly p50: number; readonly p95: number } | undefined): string {
  if (latency === undefined) return NONE;
  return `${threeDigits(latency.p50)} / ${threeDigits(latency.p95)}`;
}
