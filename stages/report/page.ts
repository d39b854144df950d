import { Html, html } from './html.ts';
import type { ReportData } from './report-data.ts';
import { calibration } from './sections/calibration.ts';
import { choices } from './sections/choice.ts';
import { cost } from './sections/cost.ts';
import { deployment } from './sections/deployment.ts';
import { doubts } from './sections/doubts.ts';
import { headline, headlineSentence } from './sections/headline.ts';
import { mistakes } from './sections/mistakes.ts';
import { corpus, reproduction } from './sections/origin.ts';
import { parts } from './sections/parts.ts';
import { relabelling } from './sections/relabelling.ts';
import { resultsTable } from './sections/results-table.ts';
import { seeds } from './sections/seeds.ts';
import { selective } from './sections/selective.ts';
import { taskHeads } from './sections/task-heads.ts';
import { teacherCache } from './sections/teacher-cache.ts';
import { trainingCurves } from './sections/training-curves.ts';
import { STYLE } from './style.ts';

/** The whole report as one HTML document: no script, nothing fetched. */
export function reportPage(data: ReportData): string {
  const body = html`${headline(data)}
${resultsTable(data)}
${taskHeads(data.heads)}
${seeds(data.models)}
${choices(data)}
${cost(data)}
${trainingCurves(data)}
${calibration(data)}
${selective(data)}
${deployment(data.deployed, data.headline, data.models)}
${parts(data.models)}
${mistakes(data)}
${doubts(data)}
${teacherCache(data)}
${relabelling(data)}
${corpus(data)}
${reproduction(data)}`;
  return documentOf({ title: data.title, description: headlineSentence(data), body });
}

/** The document around the sections of a report. */
export function documentOf(parts: {
  readonly title: string;
  readonly description: string;
  readonly body: Html;
}): string {
  const body = html`<main>${parts.body}
<footer>Made by Decant. This page is one file: it holds no script and loads nothing.</footer>
</main>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${parts.description}">
<title>${parts.title}</title>
<style>${Html.trusted(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`.markup;
}
