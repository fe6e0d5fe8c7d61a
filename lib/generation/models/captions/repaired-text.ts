import { asWindows1252, characterNamed, unescapeHtml } from "./html.ts";

/**
 * Expansions of single characters for several letters: digraphs of Dutch and of Serbo-Croatian, and typographic
 * ligatures.
 */
const ligatures: Readonly<Record<string, string>> = {
  ...{ Ĳ: "IJ", ĳ: "ij", ŉ: "ʼn", Ǳ: "DZ", ǲ: "Dz", ǳ: "dz", Ǆ: "DŽ", ǅ: "Dž", ǆ: "dž", Ǉ: "LJ", ǈ: "Lj" },
  ...{ ǉ: "lj", Ǌ: "NJ", ǋ: "Nj", ǌ: "nj", ﬀ: "ff", ﬁ: "fi", ﬂ: "fl", ﬃ: "ffi", ﬄ: "ffl", ﬅ: "ſt", ﬆ: "st" },
};

const ESCAPE = "\u001b";
const terminalCodes = new RegExp(`${ESCAPE}\\[[\\d;]*[a-z]`, "gi");
/**
 * Characters to remove: controls that are neither white space nor of the second half of Latin-1, and invisible format
 * characters.
 */
const controls = /(?![\t\n\f\r\u0080-\u009f])\p{Cc}|[\u206a-\u206f\ufeff\ufff9-\ufffc]/gu;

/** Repairs, which are applied in this order until nothing changes. */
const repairs: readonly ((text: string) => string)[] = [
  (text) => text.replaceAll(/[\x80-\x9f]/g, asWindows1252),
  (text) => text.replaceAll(/[ĲĳŉǄ-ǌǱ-ǳﬀ-ﬆ]/g, (letter) => ligatures[letter]!),
  (text) => text.replaceAll("\u3000", " ").replaceAll(/[\uff01-\uffef]/g, (wide) => wide.normalize("NFKC")),
  (text) => text.replaceAll(/[\u201c-\u201f]/g, '"').replaceAll(/[\u02bc\u2018-\u201b]/g, "'"),
  (text) => text.replaceAll(/\r\n|[\r\u2028\u2029\x85]/g, "\n"),
  (text) => text.toWellFormed(),
  (text) => text.replaceAll(terminalCodes, ""),
  (text) => text.replaceAll(controls, ""),
  (text) => text.normalize("NFC"),
];

/**
 * Repairs a text as ftfy.fix_text does, but leaves text alone that was decoded with the wrong character encoding.
 *
 * @see github.com/rspeer/python-ftfy, version 6.3
 */
export function repairedText(text: string): string {
  let isMarkup = false;
  const lines = text.split(/(?<=\n)/).map((line) => {
    isMarkup ||= line.includes("<"); // and so are all later lines
    return repairedLine(line, isMarkup);
  });
  return lines.join("");
}

function repairedLine(line: string, isMarkup: boolean): string {
  const unescaped = isMarkup ? line : line.replaceAll(/&#?[\da-z]{1,24};/gi, unescapedReference);
  const repaired = repairs.reduce((text, repair) => repair(text), unescaped);
  return repaired === line ? line : repairedLine(repaired, isMarkup);
}

/**
 * Returns the characters of a complete reference. Like ftfy, also accepts lower-case names written in capitals, such as
 * `&NTILDE;`.
 */
function unescapedReference(reference: string): string {
  const unescaped = unescapeHtml(reference);
  if (reference.startsWith("&#")) return unescaped.includes(";") ? reference : unescaped;
  const name = reference.slice(1, -1);
  const character = characterNamed(name);
  if (character !== undefined) return character;
  const isInCapitals = name === name.toUpperCase() && unescaped === reference;
  return (isInCapitals && characterNamed(name.toLowerCase())?.toUpperCase()) || reference;
}
