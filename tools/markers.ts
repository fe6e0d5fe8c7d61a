/**
 * Puts a table between the markers of its name in a document.
 *
 * @throws Error if the document does not have them
 */
export function withTable(document: string, name: string, made: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The document must hold ${begin}, and ${end} after it`);
  return `${document.slice(0, from)}${begin}\n${made}\n${document.slice(to)}`;
}
