/** labels.d.ts of an exported student: its classes as a type, so that the compiler checks a `switch` over them. */
export function labelTypes(classNames: readonly string[]): string {
  // JSON's strings are TypeScript's, quotes and control characters included.
  const members = classNames.map((name) => `\n  | ${JSON.stringify(name)}`);
  return `/** What this student can answer, in the order of config.json. */\nexport type Label =${members.join('')};\n`;
}
