/** One line of Markdown that means itself: names come from the user's files. */
export function plain(text: string): string {
  return text
    .replace(/\p{C}+|\s+/gu, ' ')
    .replace(/[\\`*<>[\]|#&]/g, (character) => `\\${character}`);
}
