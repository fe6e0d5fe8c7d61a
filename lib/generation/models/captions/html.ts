/**
 * Decodes character references and removes markup in prompts as the references do: character references as Python's
 * `html.unescape`, markup as BeautifulSoup with Python's `html.parser`. Names of characters are those of HTML5, from
 * the package `entities`.
 */
import { decodeHTML, decodeHTMLStrict, replaceCodePoint } from "entities/decode";

/**
 * Maps a control character from 0x80 to 0x9f to the character of that byte in Windows-1252, which is often mistaken for
 * Latin-1.
 */
export function asWindows1252(control: string): string {
  return String.fromCodePoint(replaceCodePoint(control.charCodeAt(0)));
}

/** Returns the code point of a numeric reference, `39` or `x27`, as HTML5 and BeautifulSoup do. */
function codePointOf(number: string): number {
  const isHex = /^x/i.test(number);
  return replaceCodePoint(Number.parseInt(isHex ? number.slice(1) : number, isHex ? 16 : 10));
}

/**
 * Code points that `html.unescape` drops and HTML5 keeps: control characters other than white space, and noncharacters.
 */
const dropped = /(?![\t\n\f\r\x80-\x9f])\p{Cc}|\p{Noncharacter_Code_Point}/u;

function unescapedNumber(number: string): string {
  const character = String.fromCodePoint(codePointOf(number));
  return dropped.test(character) ? "" : character;
}

/** Replaces character references (`&amp;`, `&eacute`, `&#39;`) by their characters, as `html.unescape` does. */
export function unescapeHtml(text: string): string {
  const references = /&(?:#(\d+|x[\da-f]+);?|[^\t\n\f <&#;]{1,32};?)/gi;
  return text.replaceAll(references, (whole, number?: string) =>
    number ? unescapedNumber(number) : decodeHTML(whole),
  );
}

/** Returns the one or two characters of an HTML5 name such as `eacute`; undefined for other names. */
export function characterNamed(name: string): string | undefined {
  const reference = `&${name};`;
  const character = decodeHTMLStrict(reference);
  return character === reference ? undefined : character;
}

/**
 * References as `html.parser` finds them: ended by a semicolon, or by a character that cannot continue the number or
 * name.
 */
const referenceInMarkup = /&(?:#(\d+|x[\da-f]+)(?:;|(?=[^\da-f]))|([a-z][-.a-z\d]*)(?:;|(?=[^-.a-z\d])))/gi;

/** Returns the text of a piece of HTML: without tags, comments, scripts and styles, and with references replaced. */
export function textOfHtml(html: string): string {
  return html
    .replaceAll(/<(script|style)\b[^>]*>.*?(?:<\/\1\s*>|$)/gis, "")
    .replaceAll(/<!--.*?-->|<[a-z/?!][^>]*>/gis, "")
    .replace(/&(?=[a-z]$)/i, "")
    .replaceAll(referenceInMarkup, (_, number: string | undefined, name: string) =>
      // An unknown name loses its semicolon, as in BeautifulSoup.
      number ? String.fromCodePoint(codePointOf(number)) : (characterNamed(name) ?? `&${name}`),
    );
}
