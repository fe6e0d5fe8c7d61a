/**
 * Returns the curl command that repeats a request. It reads the key from the environment.
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
 * Quotes a text as one word for a POSIX shell.
 *
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
