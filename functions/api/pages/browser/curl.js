/**
 * The shell command that makes a request again; the key is left to the environment.
 *
 * @param {string} origin
 * @param {object} body
 */
export function curlOf(origin, body) {
  return [
    `curl ${quoted(`${origin}/v1/videos`)}`,
    `-H "Authorization: Bearer $ADAREEL_API_KEY"`,
    `-H 'Content-Type: application/json'`,
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}

/**
 * A text as one word of a POSIX shell.
 *
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
