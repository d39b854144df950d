import { type Html, html } from '#stages/report/html.ts';

/** The text of an example in its own direction of writing, or its id where texts are not shown. */
export function exampleText({ text, exampleId }: { text: string | null; exampleId: string }): Html {
  return text === null ? html`<span class="id">${exampleId}</span>` : html`<bdi>${text}</bdi>`;
}
