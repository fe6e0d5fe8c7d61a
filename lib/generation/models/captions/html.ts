/**
 * Decodes entities and removes tags as Python's html module and BeautifulSoup's html.parser do, for markup that people
 * type into prompts.
 */

const latin1 =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro " +
  "para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil " +
  "Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave " +
  "Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml " +
  "igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute " +
  "thorn yuml";

/** Entities that need no semicolon, by name. */
const shortEntities = new Map<string, string>([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ...latin1.split(" ").map((name, i): [string, string] => [name, String.fromCharCode(0xa0 + i)]),
]);

/** Entities that are decoded, by name: out of two thousand more only those for punctuation and a few signs. */
const entities = new Map<string, string>([
  ...shortEntities,
  ...Object.entries({
    ...{ apos: "'", hellip: "…", ndash: "–", mdash: "—", lsquo: "‘", rsquo: "’", sbquo: "‚", ldquo: "“" },
    ...{ rdquo: "”", bdquo: "„", lsaquo: "‹", rsaquo: "›", bull: "•", dagger: "†", permil: "‰", prime: "′" },
    ...{ euro: "€", trade: "™", minus: "−", infin: "∞", asymp: "≈", ne: "≠", le: "≤", ge: "≥", larr: "←" },
    ...{ uarr: "↑", rarr: "→", darr: "↓", hearts: "♥", ensp: "\u2002", emsp: "\u2003", thinsp: "\u2009" },
  }),
]);

/** Characters of the bytes 0x80 to 0x9f in Windows-1252, which is often mistaken for Latin-1. */
const windows1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

export function asWindows1252(control: string): string {
  return windows1252[control.charCodeAt(0) - 0x80]!;
}

/** Returns the character of a numeric reference, `39` or `x27`; an empty text for control characters. */
function numbered(reference: string): string {
  const code = /^x/i.test(reference)
    ? Number.parseInt(reference.slice(1), 16)
    : Number.parseInt(reference, 10);
  if (code >= 0x80 && code <= 0x9f) return asWindows1252(String.fromCharCode(code));
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  if (!isCharacter) return "\ufffd";
  const character = String.fromCodePoint(code);
  return /\p{Cc}/u.test(character) && !/\s/.test(character) ? "" : character;
}

/** Replaces references to characters (`&amp;`, `&eacute`, `&#39;`) by the characters. */
export function unescapeHtml(text: string): string {
  const references = /&(?:#(\d+|x[\da-f]+);?|([^\t\n\f <&#;]{1,32})(;?))/gi;
  return text.replaceAll(references, (whole, number?: string, name?: string, end?: string) => {
    if (number) return numbered(number);
    if (!name) return whole;
    const character = (end ? entities : shortEntities).get(name);
    if (character !== undefined) return character;
    for (let length = name.length - 1; length > 1; length--) {
      const start = shortEntities.get(name.slice(0, length));
      if (start !== undefined) return start + name.slice(length) + end;
    }
    return whole;
  });
}

/** Returns the text of a piece of HTML: without tags, comments, scripts and styles, and with references replaced. */
export function textOfHtml(html: string): string {
  return html
    .replaceAll(/<(script|style)\b[^>]*>.*?(?:<\/\1\s*>|$)/gis, "")
    .replaceAll(/<!--.*?-->|<[a-z/?!][^>]*>/gis, "")
    .replace(/&(?=[a-z]$)/i, "")
    .replaceAll(/&#(\d+|x[\da-f]+)(?:;|(?=[^\da-f]))/gi, (_, number: string) => numbered(number))
    .replaceAll(
      /&([a-z][-.a-z\d]*)(?:;|(?=[^-.a-z\d]))/gi,
      (_, name: string) => entities.get(name) ?? `&${name}`,
    );
}
