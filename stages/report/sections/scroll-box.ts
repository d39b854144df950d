import { type Html, html } from '#stages/report/html.ts';

/** Wide content scrolls inside this box, by touch, wheel or keyboard; the page itself never does. */
export function scrollBox(label: string, content: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${content}</div>`;
}
