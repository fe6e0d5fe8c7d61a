import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { PEER_FIELDS } from "../../functions/api/peer-fields.ts";
import type { Video } from "../../functions/api/schemas/video.ts";
import { videoCreateSchema } from "../../functions/api/schemas/video-request.ts";
import { withPeerFieldsTable } from "../../tools/peer-fields-table.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { formOf } from "./form.ts";
import { expectProblem } from "./problem.ts";
import { type SendOptions, type TestApi, testApi } from "./support.ts";

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
});

const OURS = Object.keys(z.toJSONSchema(videoCreateSchema(10), { io: "input" }).properties!);

/** Fields that servers of `/v1/videos` take, as their request models list them. */
const PEERS = {
  "vLLM-Omni 0.30.0":
    "prompt model seconds size width height num_frames fps num_inference_steps guidance_scale guidance_scale_2 " +
    "true_cfg_scale boundary_ratio flow_shift seed num_outputs_per_prompt negative_prompt quality user aspect_ratio " +
    "short_edge start_time_seconds generate_sound sound_duration enable_frame_interpolation frame_interpolation_exp " +
    "frame_interpolation_scale frame_interpolation_model_path return_stage_metrics control_type input_reference " +
    "input_references control_reference source_video source_audio image_reference video_reference audio_reference " +
    "extra_params lora video_params",
  "SGLang 0.5.23":
    "prompt model seconds size width height num_frames fps num_inference_steps guidance_scale guidance_scale_2 " +
    "true_cfg_scale flow_shift seed n num_outputs_per_prompt negative_prompt quality enable_teacache enable_cache_dit " +
    "cache_dit_params cfg_gate_step task_type enhance_prompt generator_device max_sequence_length enable_upscaling " +
    "upscaling_scale upscaling_model_path enable_frame_interpolation frame_interpolation_exp frame_interpolation_scale " +
    "frame_interpolation_model_path output_quality output_compression x264_preset output_path perf_dump_path profile " +
    "diffusers_kwargs input_reference video_reference reference_url video_url video_path extra_params extra_body",
  "QVAC 0.13.1":
    "prompt model seconds size fps steps cfg_scale flow_shift seed negative_prompt strength input_reference",
  "TensorRT-LLM, November 2026":
    "prompt response_format format seed image_reference video_reference audio_reference input_reference size width " +
    "height num_frames seconds fps frame_rate num_inference_steps guidance_scale guidance_rescale max_sequence_length " +
    "negative_prompt extra_params model n output_format",
  "LiteLLM 1.110.2": "prompt model image input_reference seconds size user parameters extra_body",
  "OpenAI Videos": "prompt model seconds size input_reference video characters",
};
/** Fields that unfold, and one whose advice depends on its value. */
const ELSEWHERE = ["extra_body", "extra_params", "aspect_ratio"];

describe.each(Object.entries(PEERS))("the requests of %s", (_server, fields) => {
  it("every field is ours, or in the table of peers' fields", () => {
    const known = [...OURS, ...ELSEWHERE, ...PEER_FIELDS.flatMap(({ names }) => names)];
    expect(fields.split(" ").filter((name) => !known.includes(name))).toEqual([]);
  });
});

it("no field is in the table of peers' fields twice", () => {
  const names = PEER_FIELDS.flatMap(({ names }) => names);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

it("the table of docs/migrating.md is made from the table in code", () => {
  const document = readFileSync("docs/migrating.md", "utf8");
  expect(withPeerFieldsTable(document)).toBe(document);
});

async function created(options: SendOptions): Promise<Omit<Video, "id" | "queue_position" | "quote">> {
  const answer = await api.send("POST", "/v1/videos", options);
  // The queue grows with each of them, and quotes tell of it.
  const { id: _, queue_position: __, quote: ___, ...video } = (await answer.json()) as Video;
  expect([answer.status, video]).toEqual([200, video]);
  return video;
}

const BASE = { prompt: "a", seed: 1 };

describe("a field of a peer that means something here", () => {
  it.each<[theirs: object, ours: object]>([
    [{ width: 64, height: 64 }, { size: "64x64" }],
    [{ width: 64, height: 64, size: "64X64" }, { size: "64x64" }],
    [{ size: "auto" }, {}],
    [{ sampling_steps: 9 }, { steps: 9 }],
    [{ num_steps: 9, steps: 9 }, { steps: 9 }],
    [{ cfg_scale: 3.5 }, { guidance_scale: 3.5 }],
    [{ quality: "auto" }, {}],
    [{ n: 1, num_outputs_per_prompt: 1, user: "u", stream: false }, {}],
    [{ generate_sound: false, enhance_prompt: false, enable_teacache: false }, {}],
    [{ response_format: "url", output_format: "mp4", return_stage_metrics: true }, {}],
    [{ extra_params: { num_inference_steps: 9 } }, { steps: 9 }],
    [
      { extra_params: '{"num_inference_steps": 9}', extra_body: { fps: 8 } },
      { steps: 9, fps: 8 },
    ],
    [
      { steps: null, fps: 8, extra_params: { steps: 9, fps: 8, seed: null } },
      { steps: 9, fps: 8 },
    ],
    [{ extra_body: { width: 64, height: 64, cache_policy: "off" } }, { size: "64x64", cache: "off" }],
    [{ cache_policy: { policy: "slow", warmup_steps: 3 } }, { cache: { policy: "slow", warmup_steps: 3 } }],
    [{ cache_policy: "off", cache: { policy: "off" } }, { cache: "off" }],
    [{ video_metadata: { order: "42" } }, { metadata: { order: "42" } }],
    [{ video_metadata: { order: "42" }, metadata: { order: "42" } }, { metadata: { order: "42" } }],
  ])("the request %j means %j, in JSON and in a form", async (theirs, ours) => {
    const expected = await created({ json: { ...BASE, ...ours } });
    expect(await created({ json: { ...BASE, ...theirs } })).toEqual(expected);
    expect(await created({ form: formOf({ ...BASE, ...theirs }) })).toEqual(expected);
  });

  it("null and empty texts count as left out for every field of a peer", async () => {
    const names = PEER_FIELDS.flatMap(({ names }) => names);
    const json = { ...BASE, ...Object.fromEntries(names.map((name) => [name, null])) };
    expect(await created({ json })).toEqual(await created({ json: BASE }));
    const form = formOf({ ...BASE, ...Object.fromEntries(names.map((name) => [name, ""])) });
    expect(await created({ form })).toEqual(await created({ json: BASE }));
  });

  it("a seed of -1 is drawn, also for a remix", async () => {
    const drawn = await created({ json: { prompt: "a", seed: -1 } });
    expect(drawn.params.seed).toBeGreaterThanOrEqual(0);
    const { id } = await api.create({ seed: 7 });
    const remix = async (fields: object) =>
      (await (
        await api.send("POST", `/v1/videos/${id}/remix`, { json: { prompt: "b", ...fields } })
      ).json()) as Video;
    expect((await remix({})).params.seed).toBe(7);
    expect((await remix({ seed: -1 })).params.seed).not.toBe(7);
    expect((await remix({ video_metadata: { a: "b" }, n: 1 })).metadata).toEqual({ a: "b" });
  });

  it("a trigger takes the same fields, and templates in video_metadata", async () => {
    const video = {
      cache_policy: "off",
      width: "64",
      height: "64",
      n: 1,
      video_metadata: { title: "{{/t}}" },
    };
    const json = { prompt: "{{/t}}", signature: { scheme: "bearer" }, video };
    const { id } = (await (await api.send("POST", "/v1/triggers", { json })).json()) as { id: string };
    const dry = await api.send("POST", `/v1/triggers/${id}/dry_run`, { json: { payload: { t: "fox" } } });
    expect(await dry.json()).toMatchObject({
      prompt: "fox",
      params: { size: "64x64", metadata: { title: "fox" }, cache_policy: "off" },
    });
  });
});

describe("a field of a peer that means nothing here", () => {
  it.each<[fields: object, param: string, sentence: RegExp, code?: "invalid_value"]>([
    [{ n: 2 }, "n", /^n is only taken as 1: a request makes one video/],
    [
      { generate_sound: true },
      "generate_sound",
      /^generate_sound is only taken as false: videos have no sound\.$/,
    ],
    [{ enable_teacache: true }, "enable_teacache", /write cache, such as "auto" or "off"\.$/],
    [{ flow_shift: 3 }, "flow_shift", /^flow_shift is not supported: the shift is the model's own/],
    [{ boundary_ratio: 0.9 }, "boundary_ratio", /the boundary is the model's own/],
    [{ response_format: "b64_json" }, "response_format", /only taken as url or file/],
    [
      { video_reference: {} },
      "video_reference",
      /^video_reference is not supported: videos are made from text, and from pictures/,
    ],
    [{ height: 64 }, "height", /^height needs width: give both, or size\.$/],
    [
      { steps: 3, num_steps: 4 },
      "steps",
      /^steps and num_steps say different things: give one of them\.$/,
      "invalid_value",
    ],
    [
      { steps: 3, extra_params: { steps: 4 } },
      "steps",
      /^steps and extra_params\.steps say different things: give one of them\.$/,
      "invalid_value",
    ],
    [
      { extra_body: { seed: 1 }, extra_params: { seed: 2 } },
      "seed",
      /^seed and extra_params\.seed say different things/,
      "invalid_value",
    ],
    [
      { metadata: { a: "1" }, video_metadata: { a: "2" } },
      "metadata",
      /^metadata and video_metadata say different things/,
      "invalid_value",
    ],
    [
      { cache: "off", cache_policy: "slow" },
      "cache",
      /^cache and cache_policy say different/,
      "invalid_value",
    ],
    [{ model: "sora-2" }, "model", /^This deployment has no such model: choose demo\.$/, "invalid_value"],
    [{ quality: "exact" }, "quality", /^quality must be lossless or high\.$/, "invalid_value"],
    [
      { size: "64x64", width: 32, height: 32 },
      "size",
      /^size and width say different things/,
      "invalid_value",
    ],
  ])("the request %j is refused by what to use instead", async (fields, param, sentence, code) => {
    const answer = await api.send("POST", "/v1/videos", { json: { ...BASE, ...fields } });
    const { detail } = await expectProblem(answer, code ?? "unsupported_parameter", param);
    expect(detail).toMatch(sentence);
  });
});

describe("null in JSON", () => {
  it("null counts as left out for every optional field, at any depth", async () => {
    const optional = OURS.filter((name) => name !== "prompt" && name !== "seed");
    const json = { ...BASE, ...Object.fromEntries(optional.map((name) => [name, null])) };
    expect(await created({ json })).toEqual(await created({ json: BASE }));
    const cache = { policy: "slow", warmup_steps: null, forecast: null };
    expect(await created({ json: { ...BASE, cache } })).toEqual(
      await created({ json: { ...BASE, cache: { policy: "slow" } } }),
    );
    expect(await created({ json: { ...BASE, extra_body: null } })).toEqual(await created({ json: BASE }));
  });

  it("null for the prompt is answered like a missing one, and null among your own texts is refused", async () => {
    const send = (json: object) => api.send("POST", "/v1/videos", { json });
    const { detail } = await expectProblem(await send({ prompt: null }), "invalid_value", "prompt");
    expect(detail).toBe("The prompt is missing: say what the video should show.");
    await expectProblem(await send({ ...BASE, metadata: { a: null } }), "invalid_value", "metadata.a");
    await expectProblem(await send({ ...BASE, colour: null }), "unknown_parameter", "colour");
  });

  it("null keeps its meaning where a field takes it", async () => {
    const filter = [{ pointer: "/a", equals: null }];
    const json = { prompt: "a", name: null, signature: { scheme: "bearer", secret: null }, filter };
    const answer = await api.send("POST", "/v1/triggers", { json });
    expect(await answer.json()).toMatchObject({ name: "trigger", filter });
    const endpoint = { url: "https://hooks.example.com", name: null, event_types: null };
    expect((await api.send("POST", "/v1/webhook_endpoints", { json: endpoint })).status).toBe(200);
  });
});
