#!/usr/bin/env bash
# AI SDK: `n: 3` with a seed asks three times for the same video, and nothing is said about it.
#
# Expected: `generateVideo({ n: 3, seed: 5 })` gives three videos to choose from, as an image model's `n` does, or a warning.
#
# What happens: a model whose `maxVideosPerCall` is unset is called once for each video, at the same time, and every call gets
# the same prompt and the same seed. A model that is repeatable makes one video three times, and all three are paid for.
#
# Why it matters: a seed is what people set while they compare. A provider avoids it only if it takes all videos of a call at
# once (a large `maxVideosPerCall`) and counts the seeds up itself; a user who sets `maxVideosPerCall: 1` undoes that.
#
# Versions: ai 7.0.173, Node 20.20. Date: 2026-11-30
# Needs: npm. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts ai@7.0.173 zod@4.6.7 2>/dev/null
cat >main.mjs <<'JS'
import { experimental_generateVideo as generateVideo } from "ai";

const seeds = [];
const model = {
  specificationVersion: "v4",
  provider: "test",
  modelId: "test",
  doGenerate: async ({ seed, n }) => {
    seeds.push(seed);
    const video = { type: "binary", data: new Uint8Array([seed]), mediaType: "video/mp4" };
    const response = { timestamp: new Date(), modelId: "test", headers: undefined };
    return { videos: Array(n).fill(video), warnings: [], response };
  },
};
const { videos, warnings } = await generateVideo({ model, prompt: "a red circle", n: 3, seed: 5 });
const different = new Set(videos.map(({ base64 }) => base64)).size;
console.log(`seeds of the calls: ${seeds.join(", ")}; ${videos.length} videos, ${different} different, ${warnings.length} warnings`);
if (seeds.join() !== "5,5,5" || different !== 1 || warnings.length !== 0) process.exit(1);
JS
node main.mjs
