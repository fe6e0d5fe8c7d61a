import { expect, expectTypeOf, it } from "vitest";
import { adareelClient } from "../../../clients/typescript/src/index.ts";
import type { Video } from "../../../functions/api/schemas/video.ts";
import { BASE_URL, testApi } from "../../api/support.ts";
import { memoryStore } from "../../service/jobs/memory-store.ts";

it("the client's types know the request and response of every route", async () => {
  const api = await testApi({ store: memoryStore() });
  const { v1 } = adareelClient(BASE_URL, api.ownKey, {
    fetch: async (input, init) => api.app.request(input instanceof URL ? input.href : input, init),
  });

  const json = { prompt: "a red circle", cache: { policy: "slow" }, metadata: { order: "42" } };
  const created = await (await v1.videos.$post({ json })).json();
  expectTypeOf(created.params.cache.warmup_steps).toEqualTypeOf<number>();
  expect(created).toMatchObject({ status: "queued", metadata: { order: "42" } });

  const found = await (await v1.videos[":id"].$get({ param: { id: created.id } })).json();
  expectTypeOf(found.status).toEqualTypeOf<Video["status"]>();
  expect(found).toEqual(created);

  const query = { limit: "1", status: "queued", "metadata[order]": "42" };
  const { data, has_more: hasMore } = await (await v1.videos.$get({ query })).json();
  expectTypeOf(data).toEqualTypeOf<(typeof found)[]>();
  expect([data.length, hasMore]).toEqual([1, false]);

  const deleted = await (await v1.videos[":id"].$delete({ param: { id: created.id } })).json();
  expectTypeOf(deleted).toEqualTypeOf<{ id: string; object: "video.deleted"; deleted: true }>();
  expect(deleted).toEqual({ id: created.id, object: "video.deleted", deleted: true });

  const { models } = v1;
  expect((await (await models.$get()).json()).data[0]!.id).toBe("demo");
});

it("a request that the API would refuse does not compile", () => {
  const { v1 } = adareelClient(BASE_URL, "adr_");
  type Create = Parameters<typeof v1.videos.$post>[0];
  type Fields = Create["json"];
  expectTypeOf<{ prompt: string; seed: number; seconds: string }>().toExtend<Fields>();
  expectTypeOf<{ seed: number }>().not.toExtend<Fields>();
  expectTypeOf<{ prompt: string; seed: string }>().not.toExtend<Fields>();
  expectTypeOf<{ prompt: string; webhook_events: ["video.done"] }>().not.toExtend<Fields>();
  type Query = NonNullable<Parameters<typeof v1.videos.$get>[0]>["query"];
  expectTypeOf<{ after: string; "metadata[order]": string }>().toExtend<Query>();
  expectTypeOf<Query>().not.toHaveProperty("page");
});
