import { RequestFailure } from "./api.js";

const FIELD = "cache.codebook";

/** Fields of a codebook file that are for people. */
const FOR_PEOPLE = ["name", "origin"];

/**
 * Reads a codebook in either form: its rows alone, or an object that has them under `codebook`, as files do. Whether
 * the rows make a codebook is for the service to say.
 *
 * @param {string} text
 * @returns {{codebook: unknown[], motion?: unknown, warmup?: unknown}}
 * @throws {RequestFailure} if the text is not JSON, or has no rows
 */
export function codebookIn(text) {
  const read = parsed(text);
  if (Array.isArray(read)) return { codebook: read };
  const { codebook, motion, motion_regularisation, warmup, warmup_steps, ...rest } = read ?? {};
  if (!Array.isArray(codebook))
    throw refusal('A codebook is a list of rows, or an object that has one under "codebook".');
  const [stray] = Object.keys(rest).filter((name) => !FOR_PEOPLE.includes(name));
  if (stray !== undefined)
    throw refusal(`Nothing reads "${stray}": besides its rows, a codebook may have "motion" and "warmup".`);
  return { codebook, motion: motion ?? motion_regularisation, warmup: warmup ?? warmup_steps };
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    const wrong = rowsIn(text).findIndex(({ row }) => !isJson(row));
    if (wrong === -1)
      throw refusal("This is not JSON: a bracket or a comma is missing, or there is one too many.");
    throw refusal(
      `Row ${wrong + 1} is not JSON: write it as { "below": 0.1, "rate": 4 }.`,
      `${FIELD}.${wrong}`,
    );
  }
}

/** @param {string} text */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} message */
const refusal = (message, param = FIELD) => new RequestFailure(message, { status: 400, param });

/**
 * Returns the rows of a codebook with their places in the text.
 *
 * @param {string} text
 */
function rowsIn(text) {
  const begin = Math.max(0, text.indexOf('"codebook"'));
  return [...text.slice(begin).matchAll(/\{[^{}]*\}/g)].map(({ 0: row, index }) => ({
    row,
    start: begin + index,
  }));
}

/**
 * Selects the row of a codebook that an error is about.
 *
 * @param {HTMLTextAreaElement} field
 * @param {{message: string, param?: string | null}} error that names the row in its field or in its words
 */
export function selectWrongRow(field, { message, param }) {
  const [, index] = /^cache\.codebook\.(\d+)/.exec(param ?? "") ?? [];
  const [, number] = /\brow (\d+)/i.exec(message) ?? [];
  const place = rowsIn(field.value)[index === undefined ? Number(number) - 1 : Number(index)];
  if (place) field.setSelectionRange(place.start, place.start + place.row.length);
}

/**
 * Writes a codebook as text, a row in a line.
 *
 * @param {readonly unknown[]} rows
 * @param {unknown} motion constants of its own, if it has any
 */
export function codebookText(rows, motion) {
  const lines = rows.map((row) => {
    const { below, rate } = /** @type {{below?: number | null, rate: number}} */ (row);
    return (below ?? null) === null ? `{ "rate": ${rate} }` : `{ "below": ${below}, "rate": ${rate} }`;
  });
  const list = `[\n  ${lines.join(",\n  ")}\n]`;
  const hasConstants = typeof motion === "object" && motion !== null;
  return hasConstants ? `{ "codebook": ${list},\n"motion": ${JSON.stringify(motion)} }` : list;
}
