import { expectedCalibrationError } from '#stages/numerics/metrics.ts';
import { percent } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import { reliabilityDiagram } from '#stages/report/plots/reliability.ts';
import type { ModelResult, ReportData } from '#stages/report/report-data.ts';
import type { ValueModel } from '#stages/report/values-data.ts';

/** Does a model mean the confidence that it states? One small diagram each. */
export function calibration({ models }: ReportData): Html {
  return html`<section><h2>Calibration</h2>
<p>On the dashed line a model is right exactly as often as it claims; below it, it claims too much. Each dot is one bin of confidence, its area the share of test rows in it.</p>
<div class="plots small">${models.map(figure)}</div></section>`;
}

function figure({ metrics, colour }: ModelResult, index: number): Html {
  const error = percent(metrics.expectedCalibrationError);
  return html`<figure><figcaption><b>${metrics.name}</b><span>calibration error ${error}</span></figcaption>
${reliabilityDiagram({
  id: `reliability-${index}`,
  title: `Reliability of ${metrics.name}`,
  description: `Accuracy over stated confidence; expected calibration error ${error}.`,
  bins: metrics.calibrationBins,
  colour,
})}</figure>`;
}

/** Of several labels: is a label there as often as it is given the probability? Null where no model has bins. */
export function labelCalibration(models: readonly ValueModel[]): Html | null {
  const known = models.flatMap(({ metrics: { name, calibrationBins: bins }, colour }) =>
    bins === undefined ? [] : [{ name, bins, colour }],
  );
  if (known.length === 0) return null;
  return html`<section><h2>Calibration</h2>
<p>On the dashed line a label is there exactly as often as the model says; below it, it claims too much. Each dot is one bin of probability, its area the share of decisions in it.</p>
<div class="plots small">${known.map(({ name, bins, colour }, index) => {
    const error = percent(expectedCalibrationError(bins));
    return html`<figure><figcaption><b>${name}</b><span>calibration error ${error}</span></figcaption>
${reliabilityDiagram({
  id: `reliability-${index}`,
  title: `Reliability of ${name}`,
  description: `Share of labels that are there over their probability; expected calibration error ${error}.`,
  bins,
  colour,
  labels: { x: 'probability %', y: 'there %' },
})}</figure>`;
  })}</div></section>`;
}
