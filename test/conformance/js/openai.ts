import { setTimeout as sleep } from "node:timers/promises";
import type OpenAI7 from "openai";
import { printed, refusal, verdicts } from "./program.ts";

/* Drives the API with a version of the openai package, which the first argument names. */

const { default: OpenAI } = (await import(process.argv[2]!)) as { default: typeof OpenAI7 };

await printed(async ({ base_url: baseURL, key: apiKey, receiver, fields, webhooks: given }) => {
  const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
  const { videos, models, webhooks } = client;
  const prompt = "a red circle";

  const created = await videos.create({ prompt, seconds: "2" as "4", ...fields });
  let polled = created;
  while (polled.status === "queued" || polled.status === "in_progress") {
    await sleep(100);
    polled = await videos.retrieve(created.id);
  }
  const remix = await videos.remix(created.id, { prompt: "a blue square" });
  await videos.create({ prompt });
  const listed: string[] = [];
  for await (const { id } of videos.list({ limit: 2 })) listed.push(id);
  const names: string[] = [];
  for await (const { id } of models.list()) names.push(id);

  async function endpoints() {
    // Only newer versions manage endpoints.
    if (!webhooks.create) return null;
    const created = await webhooks.create({ name: "mine", url: receiver, event_types: ["video.completed"] });
    const updated = await webhooks.update(created.id, { name: "ours" });
    const found: string[] = [];
    for await (const { id } of webhooks.list()) found.push(id);
    const rotated = await webhooks.rotateSecret(created.id, { keep_old_secret_active_for_24_hours: true });
    const tested = await webhooks.test(created.id, { event_type: "video.failed" });
    return {
      names: [created.name, updated.name, (await webhooks.retrieve(created.id)).name],
      listed: found.join() === created.id,
      rotated: rotated.signing_secret !== created.signing_secret,
      tested: tested.status_code,
      types: (await webhooks.eventTypes.list()).data,
      deleted: (await webhooks.delete(created.id)).deleted,
    };
  }

  return {
    created,
    polled: polled.status,
    content: await (await videos.downloadContent(created.id)).text(),
    thumbnail: await (await videos.downloadContent(created.id, { variant: "thumbnail" })).text(),
    remixed: remix.remixed_from_video_id === created.id,
    metadata: (created as object as { metadata: object }).metadata,
    listed: new Set(listed).size,
    models: names,
    deleted: (await videos.delete(created.id)).deleted,
    missing: await refusal(videos.retrieve(created.id)),
    unknown: await refusal(videos.create({ prompt, ...{ colours: "1" } })),
    keyless: await refusal(client.withOptions({ apiKey: "adr_wrong" }).models.list()),
    endpoints: await endpoints(),
    verdicts: await verdicts(given, ({ body, headers, secret }) => webhooks.unwrap(body, headers, secret)),
  };
});
