#!/usr/bin/env bash
# AI SDK 6: one 503 while it asks how far a video is, and it orders a second one; the first is paid for and never fetched.
#
# Expected: a video is made once and asked for many times. If one of the questions is answered with 503, the client asks again.
#
# What happens: in version 6 `doGenerate` of a provider both sends the order and asks for its state, and `generateVideo` repeats
# the whole of it (`retry` in experimental_generateVideo) after any error that may pass: 408, 409, 429, 5xx, a broken connection.
# The providers repeat no question by themselves. So the request after a failed question is a POST, without an idempotency key,
# and the id of the first video is forgotten. By default this happens twice for each video, so up to three are paid for, and no
# warning says so. The script has a service answer the first question with 503. Version 7 asks again (executeStartStatusFlow).
#
# Why it matters: version 7 wants Node 22, so `npm install ai` still takes version 6 on Node 20. A video of ten minutes is asked
# for 60 to 300 times, and services limit exactly such requests with 429, most of all when many videos are made at once; each
# of them then makes one more. `maxRetries: 0` orders once, and then the first failed question loses the video. Take version 7,
# or pass the provider a `fetch` that repeats GET requests.
#
# Versions: ai 6.0.326 with @ai-sdk/replicate 2.0.57, fal 2.0.59, xai 3.0.138, alibaba 1.0.61 and google 3.0.141; ai 7.0.173 with
# @ai-sdk/replicate 3.0.46; Node 20.20. Date: 2026-12-01
# Needs: npm. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts zod@4.6.7 ai@6.0.326 ai-7@npm:ai@7.0.173 \
  @ai-sdk/replicate@2.0.57 @ai-sdk/fal@2.0.59 @ai-sdk/xai@3.0.138 @ai-sdk/alibaba@1.0.61 @ai-sdk/google@3.0.141 \
  replicate-7@npm:@ai-sdk/replicate@3.0.46
cat >main.mjs <<'JS'
import { createAlibaba } from "@ai-sdk/alibaba";
import { createFal } from "@ai-sdk/fal";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createReplicate } from "@ai-sdk/replicate";
import { createXai } from "@ai-sdk/xai";
import { experimental_generateVideo as generateVideo6 } from "ai";
import { experimental_generateVideo as generateVideo7 } from "ai-7";
import { createReplicate as createReplicate7 } from "replicate-7";

const url = "https://example.com/video.mp4";
const prediction = { id: "1", urls: { get: "https://api.replicate.com/v1/predictions/1" } };
const samples = { generateVideoResponse: { generatedSamples: [{ video: { uri: url } }] } };

/** For each provider: the answer to an order, the answer about a finished video, and a model that sends by `fetch`. */
const providers = {
  replicate: [
    { ...prediction, status: "processing" },
    { ...prediction, status: "succeeded", output: url },
    (fetch) => createReplicate({ apiToken: "none", fetch }).video("maker/model"),
  ],
  fal: [
    { request_id: "1", response_url: "https://queue.fal.run/fal-ai/model/requests/1" },
    { video: { url } },
    (fetch) => createFal({ apiKey: "none", fetch }).video("model"),
  ],
  xai: [
    { request_id: "1" },
    { status: "done", video: { url } },
    (fetch) => createXai({ apiKey: "none", fetch }).video("grok-imagine-video"),
  ],
  alibaba: [
    { output: { task_id: "1", task_status: "PENDING" } },
    { output: { task_id: "1", task_status: "SUCCEEDED", video_url: url } },
    (fetch) => createAlibaba({ apiKey: "none", fetch }).video("wan2.6-t2v"),
  ],
  google: [
    { name: "operations/1" },
    { name: "operations/1", done: true, response: samples },
    (fetch) => createGoogleGenerativeAI({ apiKey: "none", fetch }).video("veo-3.1-generate-preview"),
  ],
};

function json(value, status = 200) {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
}

const busy = { message: "busy", detail: "busy", error: { message: "busy" } };

/** Makes a video while the first question is answered with 503; returns the requests and what else was seen. */
async function sentBy(generateVideo, [ordered, finished, modelOf], options) {
  const requests = [];
  let keys = 0;
  const model = modelOf(async (_, { method = "GET", headers }) => {
    const isFirstQuestion = method === "GET" && !requests.includes("GET");
    requests.push(method);
    if (new Headers(headers).has("idempotency-key")) keys++;
    if (method === "POST") return json(ordered);
    return isFirstQuestion ? json(busy, 503) : json(finished);
  });
  const download = async () => ({ data: new Uint8Array([1]), mediaType: "video/mp4" });
  const { videos, warnings } = await generateVideo({ model, prompt: "a red circle", download, ...options });
  return `${requests.join(" ")}: ${videos.length} video, ${keys} idempotency keys, ${warnings.length} warnings`;
}

const quick = Object.fromEntries(Object.keys(providers).map((name) => [name, { pollIntervalMs: 1 }]));
let isAsDescribed = true;
for (const [name, provider] of Object.entries(providers)) {
  const sent = await sentBy(generateVideo6, provider, { providerOptions: quick });
  console.log(`ai 6, ${name.padEnd(9)} ${sent}`);
  isAsDescribed &&= sent === "POST GET POST GET: 1 video, 0 idempotency keys, 0 warnings";
}
const [ordered, finished] = providers.replicate;
const model7 = (fetch) => createReplicate7({ apiToken: "none", fetch }).video("maker/model");
const sent = await sentBy(generateVideo7, [ordered, finished, model7], { poll: { intervalMs: 1 } });
console.log(`ai 7, replicate ${sent}`);
isAsDescribed &&= sent === "POST GET GET: 1 video, 1 idempotency keys, 0 warnings";
process.exit(isAsDescribed ? 0 : 1);
JS
node main.mjs
