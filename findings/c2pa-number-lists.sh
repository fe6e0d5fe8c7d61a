#!/usr/bin/env bash
# c2pa: a list of numbers in an assertion of one's own is read back as base64 of single bytes, and loses what is more.
#
# Expected: an assertion holds any JSON. What was signed as `{"steps": [1, 5, 9], "x": [1.5, 300]}` is read back the same.
#
# What happens: the file holds the right numbers (the CBOR of [1, 5, 9] is found in it), and the signature holds. The JSON
# of the reader has `"steps": "AQUJ"` and `"x": "LA=="`: lists of numbers became base64 of one byte a number, as is right for
# hashes alone. Of [1.5, 300] one byte is left, without an error. Lists of lists and of texts are left alone. It makes no
# difference whether the assertion is stored as CBOR or as JSON.
#
# Why it matters: a receipt with a list of numbers looks right in the file and wrong in every reader. Write such a list as
# text ("1 5 9").
#
# Versions: @contentauth/c2pa-node 0.8.0 (c2pa-rs 0.90.1), Node 20.20.2. Date: 2026-11-30
# Needs: node with npm, openssl; Linux on x64. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @contentauth/c2pa-node@0.8.0 2>/dev/null
for name in root leaf; do
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt >$name.key
done
openssl req -x509 -new -key root.key -sha256 -out root.pem -subj /CN=root
openssl req -new -key leaf.key -out leaf.csr -subj /CN=signer
printf '%s\n' basicConstraints=CA:FALSE keyUsage=digitalSignature extendedKeyUsage=emailProtection authorityKeyIdentifier=keyid >extensions
openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -sha256 -extfile extensions -out leaf.pem \
  2>/dev/null
cat >read-back.mjs <<'JS'
import { sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { Builder, CallbackSigner, Reader } from "@contentauth/c2pa-node";

const data = { steps: [1, 5, 9], x: [1.5, 300], words: ["a", "b"], lists: [[1.5, 300]] };
const action = {
  action: "c2pa.created",
  digitalSourceType: "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
};
const builder = Builder.withJson({
  claim_generator_info: [{ name: "finding", version: "1" }],
  assertions: [
    { label: "c2pa.actions", data: { actions: [action] } },
    { label: "org.example.numbers", data },
  ],
});
const certs = [readFileSync("leaf.pem"), readFileSync("root.pem")];
const config = { alg: "es256", certs, reserveSize: 4096, directCoseHandling: false };
const key = readFileSync("leaf.key", "utf8");
const signer = CallbackSigner.newSigner(config, async (bytes) => sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }));
// A WebP of one pixel.
const buffer = Buffer.from("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=", "base64");
const output = { buffer: null };
await builder.signAsync(signer, { buffer, mimeType: "image/webp" }, output);
const store = (await Reader.fromAsset({ buffer: output.buffer, mimeType: "image/webp" })).json();
const read = store.manifests[store.active_manifest].assertions.find(({ label }) => label === "org.example.numbers");
console.log("signed:", JSON.stringify(data));
console.log("read:  ", JSON.stringify(read.data), store.validation_state);
console.log("the file holds [1, 5, 9]:", output.buffer.includes(Buffer.from([0x83, 1, 5, 9])));
process.exitCode = read.data.steps === "AQUJ" && typeof read.data.x === "string" ? 0 : 1;
JS
node read-back.mjs
