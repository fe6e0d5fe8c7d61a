const VOID = new Set(["meta", "input", "img"]);

/** Asserts that every tag is closed in order, every attribute is quoted and every id is unique. */
export function assertWellFormed(markup: string): void {
  const withoutRaw = markup.replace(/<(style|script)>.*?<\/\1>/gs, "").replace("<!doctype html>", "");
  const open: string[] = [];
  const ids = new Set<string>();
  const tag = /<(\/?)([a-z0-9-]+)((?: [a-zA-Z:-]+(?:="[^"<]*")?)*)(\/?)>/g;
  for (const [, closing, name, attributes, selfClosing] of withoutRaw.matchAll(tag)) {
    if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes another tag`);
    } else if (!selfClosing && !VOID.has(name!)) {
      open.push(name!);
    }
    const id = attributes!.match(/ id="([^"]*)"/)?.[1];
    if (id !== undefined && ids.has(id)) throw new Error(`id ${id} occurs twice`);
    if (id !== undefined) ids.add(id);
  }
  if (open.length > 0) throw new Error(`never closed: ${open}`);
  const text = withoutRaw.replace(tag, "");
  if (/[<>]/.test(text)) throw new Error(`a bracket in the text: ${text.match(/.{0,40}[<>].{0,40}/)?.[0]}`);
}
