/** Text as a YAML value: bare where that can be nothing but text, otherwise quoted as JSON, which YAML reads. */
export function yamlScalar(text: string): string {
  const isBare = /^[A-Za-z_][\w./-]*$/.test(text) && !RESERVED.test(text);
  return isBare ? text : JSON.stringify(text);
}

/** A list in one line. */
export function yamlFlow(texts: readonly string[]): string {
  return `[${texts.map(yamlScalar).join(', ')}]`;
}

/** Settings in one line. */
export function yamlFlowMap(settings: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(settings).map(([name, value]) => {
    const text = typeof value === 'string' ? yamlScalar(value) : JSON.stringify(value);
    return `${yamlScalar(name)}: ${text}`;
  });
  return `{ ${shown.join(', ')} }`;
}

/** Words that some version of YAML takes for something else. */
const RESERVED = /^(true|false|null|yes|no|on|off|y|n)$/i;
