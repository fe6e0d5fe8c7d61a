#!/usr/bin/env bash
# fal and the AI SDK for JavaScript: `abortSignal` ends the waiting and leaves the video to be made and paid for.
#
# Expected: a signal that is given to a call which makes a video stops the video. fal's own `timeout` does so, and Replicate's
# `signal` too, so one expects it of a signal.
#
# What happens: `fal.subscribe` has two ways to give up. When `timeout` is over, it sends `/cancel` (subscribeToStatus in queue.js).
# When `abortSignal` is aborted, the question under way fails, the error goes to the caller, and nothing is sent. `generateVideo` of
# the AI SDK 7 cancels nothing: models have doStart and doStatus, and nothing to stop with. `run` of replicate cancels.
# The script gives up on a video that is being made, in each of these ways, and counts what the service is told.
#
# Why it matters: a user closes the page, the server passes its request's signal on, as is good custom, and logs an AbortError. The
# GPU works on for minutes, and no id is left to cancel by. Take fal's `onEnqueue`, which has the id, and cancel by
# `fal.queue.cancel`.
#
# Versions: @fal-ai/client 1.10.1, ai 7.0.173 with @ai-sdk/fal 3.0.41 and @ai-sdk/replicate 3.0.46, replicate 1.4.0, Node 20.20.
# Date: 2026-12-01
# Needs: npm. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts @fal-ai/client@1.10.1 replicate@1.4.0 zod@4.6.7 \
  ai@7.0.173 @ai-sdk/fal@3.0.41 @ai-sdk/replicate@3.0.46
cat >main.mjs <<'JS'
import { setTimeout as wait } from "node:timers/promises";
import { createFal } from "@ai-sdk/fal";
import { createReplicate } from "@ai-sdk/replicate";
import { createFalClient } from "@fal-ai/client";
import { experimental_generateVideo as generateVideo } from "ai";
import Replicate from "replicate";

/** A service whose videos are never done. */
function service(prediction) {
  const seen = { orders: 0, questions: 0, cancelled: 0 };
  const fetch = async (input, { method = "GET", signal } = {}) => {
    signal?.throwIfAborted();
    if (new URL(input).pathname.endsWith("/cancel")) seen.cancelled++;
    else if (method.toUpperCase() === "POST") seen.orders++;
    else seen.questions++;
    return Response.json(prediction);
  };
  return { fetch, seen };
}

const request = "https://queue.fal.run/fal-ai/model/requests/1";
const fal = { request_id: "1", status: "IN_PROGRESS", response_url: request, status_url: `${request}/status` };
const own = "https://api.replicate.com/v1/predictions/1";
const replicate = { id: "1", status: "processing", output: null, urls: { get: own, cancel: `${own}/cancel` } };

const input = { prompt: "a red circle" };
const generated = (model, abortSignal) => generateVideo({ model, prompt: "a red circle", abortSignal, poll: { intervalMs: 20 } });
const ways = [
  ["fal, timeout", fal, 1, ({ fetch }) =>
    createFalClient({ credentials: "none", fetch }).subscribe("fal-ai/model", { input, pollInterval: 20, timeout: 300 })],
  ["fal, abortSignal", fal, 0, ({ fetch }, abortSignal) =>
    createFalClient({ credentials: "none", fetch }).subscribe("fal-ai/model", { input, pollInterval: 20, abortSignal })],
  ["AI SDK with fal, abortSignal", fal, 0, ({ fetch }, signal) =>
    generated(createFal({ apiKey: "none", fetch }).video("model"), signal)],
  ["AI SDK with Replicate, abortSignal", replicate, 0, ({ fetch }, signal) =>
    generated(createReplicate({ apiToken: "none", fetch }).video("maker/model"), signal)],
  ["replicate, signal", replicate, 1, ({ fetch }, signal) =>
    new Replicate({ auth: "none", fetch }).run("maker/model", { input, signal, wait: { mode: "poll", interval: 20 } })],
];
let isAsDescribed = true;
for (const [name, prediction, cancelled, make] of ways) {
  const made = service(prediction);
  await make(made, AbortSignal.timeout(300)).catch(() => undefined);
  const asked = made.seen.questions;
  await wait(200);
  const { orders, questions, cancelled: sent } = made.seen;
  console.log(`${name.padEnd(34)} ${orders} order, ${sent} cancelled, ${questions - asked} questions afterwards`);
  isAsDescribed &&= orders === 1 && asked > 0 && sent === cancelled;
}
process.exit(isAsDescribed ? 0 : 1);
JS
node main.mjs
