import { count, percent } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import { histogram } from '#stages/report/plots/histogram.ts';
import type { CacheFigures, ReportData } from '#stages/report/report-data.ts';

/** What the soft labels of the train rows look like. */
export function teacherCache({ cache }: ReportData): Html {
  return html`<section><h2>What the teacher said</h2>
<p>Soft labels of ${count(cache.rows)} train rows: ${cache.kept}, at temperatures ${cache.temperatures.join(', ')}.</p>
<div class="plots">${confidence(cache)}${entropyFigure(cache)}</div></section>`;
}

function confidence(cache: CacheFigures): Html {
  const mean = percent(cache.meanConfidence);
  return html`<figure><figcaption><b>Confidence</b><span>Probability of the first class; mean ${mean}</span></figcaption>
${histogram({
  id: 'confidence',
  title: 'Confidence of the teacher on the train rows',
  description: `Share of rows by probability of the first class; mean ${mean}.`,
  bins: cache.confidence,
  colour: 0,
  x: { label: '%', format: (share) => String(Math.round(share * 100)) },
})}</figure>`;
}

/** How much there is to learn beyond what a row is. */
export function entropyFigure(cache: Pick<CacheFigures, 'entropyNats' | 'meanEntropyNats'>): Html {
  const mean = cache.meanEntropyNats.toFixed(2);
  return html`<figure><figcaption><b>Entropy</b><span>How much there is to learn beyond the first class; mean ${mean} nats</span></figcaption>
${histogram({
  id: 'entropy',
  title: 'Entropy of the soft labels of the train rows',
  description: `Share of rows by entropy; mean ${mean} nats. Rows beyond the axis count in the last bar.`,
  bins: cache.entropyNats,
  colour: 0,
  x: { label: 'nats', format: (nats) => String(Number(nats.toFixed(2))) },
})}</figure>`;
}
