/** A share as the card writes it. */
export function shownShare(share: number | null): string {
  return share === null ? 'not measured' : `${(share * 100).toFixed(1)} %`;
}

/** One line of Markdown that means itself: names come from the user's files. */
export function plain(text: string): string {
  return text
    .replace(/\p{C}+|\s+/gu, ' ')
    .replace(/[\\`*<>[\]|#&]/g, (character) => `\\${character}`);
}
