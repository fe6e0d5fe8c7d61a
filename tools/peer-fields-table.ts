import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PEER_FIELDS } from "../functions/api/peer-fields.ts";
import { table } from "./bench/markdown.ts";
import { withTable } from "./markers.ts";

/** `node --import tsx tools/peer-fields-table.ts`: writes the table of peers' fields of docs/migrating.md. */

/** Returns the document with the table of the fields that other servers of `/v1/videos` take. */
export function withPeerFieldsTable(document: string): string {
  const rows = PEER_FIELDS.map(({ names, of, here }) => [
    names.map((name) => `\`${name}\``).join(", "),
    of,
    here,
  ]);
  return withTable(document, "peer fields", table(["field", "known to", "here"], rows, [0, 1, 2]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = fileURLToPath(new URL("../docs/migrating.md", import.meta.url));
  writeFileSync(path, withPeerFieldsTable(readFileSync(path, "utf8")));
}
