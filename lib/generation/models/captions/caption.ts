import { textOfHtml, unescapeHtml } from "./html.ts";
import { repairedText } from "./repaired-text.ts";

/**
 * Rewrites captions as in the training of the models. Prompts have to be rewritten in the same way, including its
 * accidents.
 */

/**
 * UTF-16 units of a text that are rewritten. No encoder reads as many, and the time of the rules grows with the square
 * of the length.
 */
const CHARACTERS_MAX = 8192;

/** Character classes of Python's regular expressions over text, which cover all of Unicode. */
const classes: Readonly<Record<string, string>> = {
  "\\w": String.raw`[\p{L}\p{N}_]`,
  "\\d": String.raw`\p{Nd}`,
  "\\D": String.raw`\P{Nd}`,
  "\\s": String.raw`[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`,
  "\\S": String.raw`[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`,
  "\\b": String.raw`(?:(?<=[\p{L}\p{N}_])(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_]))`,
};

type Rule = readonly [pattern: RegExp, replacement: string];

/**
 * Returns a rule for a pattern in the syntax of Python, with the further escapes that the flag `v` requires in classes.
 */
function rule(pattern: string, replacement: string): Rule {
  return [
    new RegExp(
      pattern.replaceAll(/\\[wdDsSb]/g, (name) => classes[name]!),
      "gv",
    ),
    replacement,
  ];
}

const { raw } = String;

const space = rule(raw`\s+`, " ");
const edges = rule(raw`^\s+|\s+$`, "");

const domain = raw`[a-z0-9.\-]+\.(?:com|co|ru|net|org|edu|gov|it)[\w\/\-]*\b\/?(?!@)`;
const addresses = [
  rule("<person>", "person"),
  rule(raw`\b(?:https?:(?:\/{1,3}|[a-z0-9%])|${domain})`, ""),
  rule(raw`\b(?:www:(?:\/{1,3}|[a-z0-9%])|${domain})`, ""),
];

const dashes = raw`\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d`;
const fileTypes = "(?:png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4)";
const marks = [
  rule(raw`@\w+\b`, ""), // the name of a user
  rule(raw`[\u31c0-\u9fff]+`, ""), // Chinese characters, and the symbols before them in Unicode
  rule(`[${dashes}]+`, "-"),
  rule("[`´«»“”¨]", '"'),
  rule("[‘’]", "'"),
  rule("&quot;?|&amp", ""),
  rule(raw`\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`, " "), // an IP address
  rule(raw`\d:\d\d\s+$`, ""), // the number of an article
  rule(raw`\\n`, " "),
  rule(raw`#\d{1,3}\b`, ""),
  rule(raw`#\d{5,}\b`, ""),
  rule(raw`\b\d{6,}\b`, ""),
  rule(raw`\S+\.${fileTypes}`, ""),
  rule(`["']{2,}`, '"'),
  rule(raw`\.{2,}`, " "),
  rule(raw`[#®•©™&@·º½¾¿¡§~\)\(\]\[\}\{\|\\\/*]+`, " "),
  rule(raw`\s+\.\s+`, " "),
];

const advertising = [
  rule(raw`\b[a-zA-Z]{1,3}\d{3,15}\b`, ""),
  rule(raw`\b[a-zA-Z]+\d+[a-zA-Z]+\b`, ""),
  rule(raw`\b\d+[a-zA-Z]+\d+\b`, ""),
  rule(raw`(?:worldwide\s+)?(?:free\s+)?shipping`, ""),
  rule(raw`(?:free\s)?download(?:\sfree)?`, ""),
  rule(raw`\bclick\b\s(?:for|on)\s\w+`, ""),
  rule(raw`\b${fileTypes}(?:\simages?)?`, ""),
  rule(raw`\bpage\s+\d+\b`, ""),
  rule(raw`\b\d*[a-zA-Z]+\d+[a-zA-Z]+\d+[a-zA-Z\d]*\b`, " "),
  rule(raw`\b\d+\.?\d*[xх×]\d+\.?\d*\b`, ""),
];

const spacing = [
  rule(raw`\b\s+:\s+`, ": "),
  rule(raw`(\D[,.\/])\b`, "$1 "),
  space,
  rule(raw`^["'](.+)["']$`, "$1"),
  rule(raw`^['_,\-:;]`, ""),
  rule(raw`['_,\-:+]$`, ""),
  rule(raw`^\.\S+$`, ""),
  edges,
];

/**
 * Rewrites a prompt for Latte, Open-Sora 1.2 and Open-Sora-Plan 1.1: in lower case, without addresses, markup, Chinese
 * characters and phrases of web shops. It applies the routine of DeepFloyd-IF twice.
 *
 * Differs from diffusers if text was decoded with the wrong character encoding, or if HTML is malformed.
 */
export function cleanCaption(caption: string): string {
  return cleanOnce(cleanOnce(caption.slice(0, CHARACTERS_MAX)));
}

function cleanOnce(caption: string): string {
  const plain = rewrite(unquoted(caption), [edges]).toLowerCase();
  const marked = rewrite(textOfHtml(rewrite(plain, addresses)), marks);
  const isSlug = (marked.match(/[-_]/g)?.length ?? 0) > 3; // this-is-my-cute-cat
  const worded = isSlug ? marked.replaceAll(/[-_]/g, " ") : marked;
  return rewrite(mended(worded), [...advertising, ...spacing]);
}

/**
 * Rewrites a prompt for Wan: repairs characters and makes spaces single. Differs from diffusers in the same cases as
 * `cleanCaption`.
 */
export function tidyCaption(caption: string): string {
  return rewrite(mended(caption.slice(0, CHARACTERS_MAX)), [space, edges]);
}

function mended(text: string): string {
  return unescapeHtml(unescapeHtml(repairedText(text)));
}

function rewrite(text: string, rules: readonly Rule[]): string {
  return rules.reduce(
    (rewritten, [pattern, replacement]) => rewritten.replaceAll(pattern, replacement),
    text,
  );
}

/** Decodes a text that was written into the query of a URL. */
function unquoted(text: string): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const decoded = (bytes: string) => decoder.decode(Buffer.from(bytes.replaceAll("%", ""), "hex"));
  return text.replaceAll("+", " ").replaceAll(/(?:%[\da-f]{2})+/gi, decoded);
}
