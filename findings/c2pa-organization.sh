#!/usr/bin/env bash
# c2pa: a certificate whose name has no organization signs without complaint, and the library's own reader then says that the
# signature does not match.
#
# Expected: a certificate that the library accepts for signing makes files whose signature holds.
#
# What happens: with the subject CN=signer the library checks the certificate, signs, and writes the file. Its reader says
# Invalid, claimSignature.mismatch, as if the key were another one. With O=signer added and nothing else changed it says Valid.
#
# Why it matters: `-subj /CN=name` is how most development certificates are made, and the message leads to a search for a
# wrong key. Read a file back after the first signing with a new certificate.
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
printf '%s\n' basicConstraints=CA:FALSE keyUsage=digitalSignature extendedKeyUsage=emailProtection authorityKeyIdentifier=keyid >extensions
for subject in /CN=signer /CN=signer/O=signer; do
  openssl req -new -key leaf.key -subj "$subject" 2>/dev/null |
    openssl x509 -req -CA root.pem -CAkey root.key -CAcreateserial -days 30 -sha256 -extfile extensions \
      -out "leaf${subject//\//-}.pem" 2>/dev/null
done
cat >sign.mjs <<'JS'
import { sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { Builder, CallbackSigner, Reader } from "@contentauth/c2pa-node";

const action = {
  action: "c2pa.created",
  digitalSourceType: "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
};
const key = readFileSync("leaf.key", "utf8");
// A WebP of one pixel.
const buffer = Buffer.from("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=", "base64");
const states = [];
for (const name of ["-CN=signer", "-CN=signer-O=signer"]) {
  const certs = [readFileSync(`leaf${name}.pem`), readFileSync("root.pem")];
  const config = { alg: "es256", certs, reserveSize: 4096, directCoseHandling: false };
  const signer = CallbackSigner.newSigner(config, async (bytes) => sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }));
  const builder = Builder.withJson({ assertions: [{ label: "c2pa.actions", data: { actions: [action] } }] });
  const output = { buffer: null };
  await builder.signAsync(signer, { buffer, mimeType: "image/webp" }, output);
  const store = (await Reader.fromAsset({ buffer: output.buffer, mimeType: "image/webp" })).json();
  const codes = (store.validation_results.activeManifest.failure ?? []).map(({ code }) => code);
  states.push(`${name.slice(1).replace("-", ", ")}: ${store.validation_state}, ${codes.join(" ")}`);
}
console.log(states.join("\n"));
process.exitCode = /Invalid.*claimSignature\.mismatch/.test(states[0]) && /Valid, signingCredential/.test(states[1]) ? 0 : 1;
JS
node sign.mjs
