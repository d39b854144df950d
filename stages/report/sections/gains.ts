import { FIGURE_NAMES, isShareFigure } from '#datasets/metrics/value-metrics.ts';
import { signed } from '#stages/report/format.ts';
import type { Gain } from '#stages/report/gather-gains.ts';
import { type Html, html } from '#stages/report/html.ts';

/** What a student has more than others on the very same rows, with what chance leaves of it. */
export function gainNotes(name: string, gains: readonly Gain[]): Html | null {
  if (gains.length === 0) return null;
  return html`<p class="note">Paired on the same test rows, with 95&#160;% intervals: ${gains.map(
    (gain, at) => html`${at > 0 && '; '}${sentence(name, gain)}`,
  )}.</p>`;
}

function sentence(name: string, { over, figure, value, interval }: Gain): string {
  const isShare = isShareFigure(figure);
  const [shown, low, high] = [value, ...interval].map((one) =>
    isShare ? signed(100 * one) : signed(one, 3),
  );
  const unit = isShare ? ' points' : '';
  return `${name} has ${shown}${unit} of ${FIGURE_NAMES[figure] ?? figure} beside ${over} (${low} to ${high})`;
}
