#!/usr/bin/env bash
# Hono: with `etag()` each range of a static video has a tag of its own, a whole one waits in memory, and `If-Range` is ignored.
#
# Expected: the parts of a file carry the validators of the file, so that who resumes a download can tell whether it is still the
# same file: it sends them as `If-Range`, and gets the rest, or all of the new file (RFC 9110, 13.1.5 and 15.3.7).
#
# What happens: `etag()` hashes the body that passes by (generateDigest), which for an answer 206 is the part. So the file has one
# tag, and each of its ranges another. To put the tag before the body it reads a clone of the body to its end, and the clone's
# twin keeps all bytes in memory until then. `serveStatic` of the Node server looks at `Range` alone: with an `If-Range` of a date
# or a tag that is no longer true it sends the rest of the new file. The script downloads half of a video, replaces the
# file, resumes, and gets one half of each.
#
# Why it matters: a player that seeks asks for ranges, and a download that broke off is resumed. A client that compares tags, as it
# should, takes each range for another file; one that relies on `If-Range` joins two videos into one that does not play. A video
# of 2 GB takes 2 GB of the server for each viewer, and begins only when it has been read. Keep `etag()` off such routes, and
# give each video a path of its own that is never written again.
#
# Versions: hono 4.13.19, @hono/node-server 2.1.9, Node 20.20. Date: 2026-12-01
# Needs: npm. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts hono@4.13.19 @hono/node-server@2.1.9
cat >main.mjs <<'JS'
import { utimesSync, writeFileSync } from "node:fs";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { etag } from "hono/etag";

const SIZE = 100;
const MIB = 2 ** 20;
const app = new Hono();
app.use("/tagged/*", etag());
app.get("/*", serveStatic({ root: ".", rewriteRequestPath: (path) => path.replace("/tagged", "") }));

async function get(path, headers = {}) {
  const answer = await app.request(path, { headers });
  const { status } = answer;
  return { status, tag: answer.headers.get("etag"), date: answer.headers.get("last-modified"), text: await answer.text() };
}

/** Writes a video of one letter, small in its first half and large in its second, changed at a second of its own. */
function write(letter, second) {
  writeFileSync("video.mp4", letter.repeat(SIZE / 2) + letter.toUpperCase().repeat(SIZE / 2));
  utimesSync("video.mp4", second, second);
}

const first = { range: "bytes=0-49" };
const rest = { range: "bytes=50-" };
write("a", 1_700_000_000);
const tags = [];
for (const headers of [{}, first, rest]) tags.push((await get("/tagged/video.mp4", headers)).tag);
console.log(`tags of a file and its two halves: ${new Set(tags).size} different`);

const joined = [];
for (const [path, validator] of [["/video.mp4", "date"], ["/tagged/video.mp4", "tag"]]) {
  write("a", 1_700_000_000);
  const begun = await get(path, first);
  write("b", 1_700_000_100);
  const resumed = await get(path, { ...rest, "if-range": begun[validator] });
  const letters = [...new Set(begun.text + resumed.text)].join(" and ");
  console.log(`resumed with If-Range of the old ${validator}: ${resumed.status}, so the video is ${letters}`);
  joined.push(`${resumed.status} ${letters}`);
}

writeFileSync("large.mp4", Buffer.alloc(256 * MIB));
const held = [];
for (const path of ["/large.mp4", "/tagged/large.mp4"]) {
  const before = process.memoryUsage().arrayBuffers;
  const answer = await app.request(path);
  held.push(Math.round((process.memoryUsage().arrayBuffers - before) / MIB));
  await answer.body.cancel();
}
console.log(`memory before the first byte of 256 MiB: ${held[0]} MiB, with etag() ${held[1]} MiB`);
const isAsDescribed = new Set(tags).size === 3 && joined.every((seen) => seen === "206 a and B") && held[0] < 16 && held[1] >= 256;
process.exit(isAsDescribed ? 0 : 1);
JS
node main.mjs
