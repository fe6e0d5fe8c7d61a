#!/usr/bin/env bash
# AI SDK 7: if one of three videos fails, the other two are made, asked for to the end, paid for, and given to nobody.
#
# Expected: `generateVideo({ n: 3 })` gives the videos that were made, or an error that holds them, or cancels what it gives up.
#
# What happens: a model whose `maxVideosPerCall` is 1, the default, is called three times at once, and `generateVideo` waits by
# `Promise.all` (experimental_generateVideo in index.js). The first failure ends it, with an Error that has no videos, ids or URLs.
# Nobody cancels the other two, and their loops (executeStartStatusFlow) ask on until they are done; the results are dropped. A
# download that fails does the same to videos that are all finished, and its error has the URL of that one alone. It is tried
# once, as `maxRetries` does not cover downloads. The script does both, with a service that refuses the third video, and with
# three videos of which the second download answers 503.
#
# Why it matters: services look at the finished video too, and refuse it after minutes of work. The natural answer to the error is
# to call again, for three more: six are paid for and three are had. Ask for one video in each call, and wait by
# `Promise.allSettled`; pass a `download` that tries again.
#
# Versions: ai 7.0.173, @ai-sdk/replicate 3.0.46, Node 20.20. Date: 2026-12-01
# Needs: npm. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts ai@7.0.173 @ai-sdk/replicate@3.0.46 zod@4.6.7
cat >main.mjs <<'JS'
import { setTimeout as wait } from "node:timers/promises";
import { createReplicate } from "@ai-sdk/replicate";
import { experimental_generateVideo as generateVideo } from "ai";

/** A service that needs three questions for a video, and refuses those of `refused`. Files of `broken` answer 503. */
function service({ refused = [], broken = [] }) {
  const questions = new Map();
  const seen = { orders: 0, cancelled: 0, made: new Set(), downloads: 0, refused: 0 };
  const fetch = async (input, { method = "GET" } = {}) => {
    const url = new URL(input);
    if (url.pathname.endsWith("/cancel")) seen.cancelled++;
    if (url.pathname.endsWith(".mp4")) {
      seen.downloads++;
      const isBroken = broken.some((id) => url.pathname === `/${id}.mp4`);
      return isBroken ? new Response("busy", { status: 503 }) : new Response(new Uint8Array([1]));
    }
    const id = method === "POST" ? String(++seen.orders) : url.pathname.split("/").pop();
    const answer = { id, urls: { get: `https://api.replicate.com/v1/predictions/${id}` } };
    if (method === "POST") return Response.json({ ...answer, status: "starting" });
    questions.set(id, (questions.get(id) ?? 0) + 1);
    if (refused.includes(id)) {
      seen.refused++;
      return Response.json({ ...answer, status: "failed", error: "content" });
    }
    if (questions.get(id) < 3) return Response.json({ ...answer, status: "processing" });
    seen.made.add(id);
    return Response.json({ ...answer, status: "succeeded", output: `https://example.com/${id}.mp4` });
  };
  return { fetch, seen };
}

async function failed({ fetch, seen }) {
  // The SDK downloads by the global function.
  globalThis.fetch = fetch;
  const model = createReplicate({ apiToken: "none", fetch }).video("maker/model");
  const error = await generateVideo({ model, prompt: "a red circle", n: 3, poll: { intervalMs: 10 } }).catch((reason) => reason);
  const early = seen.made.size;
  while (seen.made.size + seen.refused < seen.orders) await wait(10);
  const text = JSON.stringify({ ...error, message: error.message });
  const named = [...seen.made].filter((id) => text.includes(`/${id}.mp4`) || text.includes(`predictions/${id}`)).length;
  const { orders, made, cancelled, downloads } = seen;
  return `${orders} ordered, ${early} made before the error, ${made.size} in the end, ${cancelled} cancelled, ${downloads} downloads, ${named} of those made named by the error`;
}

const refusal = await failed(service({ refused: ["3"] }));
const download = await failed(service({ broken: ["2"] }));
console.log(`a refused video:   ${refusal}`);
console.log(`a failed download: ${download}`);
const isAsDescribed =
  refusal === "3 ordered, 0 made before the error, 2 in the end, 0 cancelled, 0 downloads, 0 of those made named by the error" &&
  download === "3 ordered, 3 made before the error, 3 in the end, 0 cancelled, 2 downloads, 1 of those made named by the error";
process.exit(isAsDescribed ? 0 : 1);
JS
node main.mjs
