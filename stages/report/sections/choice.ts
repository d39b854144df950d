import { FIGURES, reasonOf, shownValue } from '#datasets/choice.ts';
import { bytes, NONE, threeDigits } from '#stages/report/format.ts';
import type { ChosenStudent } from '#stages/report/gather-choices.ts';
import { type Html, html } from '#stages/report/html.ts';
import { scrollBox } from './scroll-box.ts';

/** Candidates of each variant with `architecture: auto`: how good, how large, how fast, and which was taken. */
export function choices(data: { readonly choices: readonly ChosenStudent[] }): Html | null {
  if (data.choices.length === 0) return null;
  return html`<section><h2>Choice of the student</h2>${data.choices.map(one)}</section>`;
}

function one({ variant, choice, latencyMs }: ChosenStudent): Html {
  const { figure, candidates, chosen } = choice;
  return html`<p class="note">${variant}: ${reasonOf(choice)}. The test rows had no part in it.</p>
${scrollBox(
  `Choice of ${variant}`,
  html`<table class="pinned"><thead><tr><th scope="col">Candidate</th><th scope="col" class="num">Validation ${FIGURES[figure]}<small>± standard error</small></th><th scope="col" class="num">ONNX file</th><th scope="col" class="num">Latency<small>p50, ms</small></th><th scope="col">Recommended</th></tr></thead>
<tbody>${candidates.map(
    ({ name, value, standardError, fileBytes }) =>
      html`<tr class="${name === chosen ? 'featured' : ''}"><th scope="row">${name}</th><td class="num">${shownValue(figure, value)} ± ${shownValue(figure, standardError)}</td><td class="num">${bytes(fileBytes)}</td><td class="num">${shownLatency(latencyMs.get(name))}</td><td>${name === chosen && 'yes'}</td></tr>`,
  )}</tbody></table>`,
)}`;
}

function shownLatency(ms: number | undefined): string {
  return ms === undefined ? NONE : threeDigits(ms);
}
