import { beforeEach, describe, expect, it } from "vitest";
import { createApp } from "../../functions/api/app.ts";
import type { VideoQuote } from "../../functions/api/schemas/quote.ts";
import type { Video } from "../../functions/api/schemas/video.ts";
import { runStore, runsKey } from "../../lib/service/quotes/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";
import { intercepted } from "../service/jobs/failing-store.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { sampleRun } from "../service/quotes/sample-run.ts";
import { expectProblem } from "./problem.ts";
import { BASE_URL, type TestApi, testApi } from "./support.ts";

let api: TestApi;
let limitedKey: string;
beforeEach(async () => {
  api = await testApi({ store: memoryStore(), usdPerHour: 36 });
  limitedKey = (await api.deps.keys.create({ tenant: "acme", name: "", usdPerDay: 0.5 })).key;
});

const RED = { prompt: "a red circle", cache: "static:3", guidance_scale: 2 };

const quote = async (json: object = RED, key = api.ownKey) => {
  const response = await api.send("POST", "/v1/videos/quote", { json, key });
  expect(response.status).toBe(200);
  return (await response.json()) as VideoQuote;
};

async function measure(count: number, changes: Parameters<typeof sampleRun>[0] = {}): Promise<void> {
  const runs = runStore(api.deps.store, system);
  const at = api.clock.now() - 60_000;
  for (let index = 0; index < count; index++) await runs.add("demo", sampleRun({ at, ...changes }));
  api.clock.advance(6000);
}

describe("a quote", () => {
  it("a quote for a model that nobody measured has no seconds, and says how to get them", async () => {
    expect(await quote()).toMatchObject({
      object: "video.quote",
      model: "demo",
      basis: "unmeasured",
      runs: 0,
      seconds: null,
      cost: null,
      steps: { total: 30, computed: { expected: 11, low: 11, high: 11 } },
      notes: [expect.stringContaining("the first video that is made tells")],
      spending: null,
    });
  });

  it("a quote follows the runs that were measured, and makes nothing", async () => {
    await measure(20);
    const { basis, seconds, cost, steps } = await quote();
    expect(basis).toBe("measured");
    expect(steps.computed.expected).toBe(11);
    // One step more is computed than in the sample run, for a second.
    expect(seconds!.expected).toBeCloseTo(12.2 + 0.99 + 0.1, 0);
    expect(seconds!.low).toBeLessThanOrEqual(seconds!.expected);
    expect(seconds!.high).toBeGreaterThanOrEqual(seconds!.expected);
    expect(cost!.usd.expected).toBeCloseTo(seconds!.parts.make / 100);
    const { keys } = await api.deps.store.list("unfinished/");
    expect([keys, api.hinted.work]).toEqual([[], []]);
  });

  it("a quote counts the videos that wait before it", async () => {
    await measure(20);
    const before = await quote();
    for (let index = 0; index < 3; index++) await api.create();
    api.clock.advance(2000);
    const after = await quote();
    expect([before.ahead, after.ahead]).toEqual([0, 3]);
    expect(after.seconds!.parts.queue).toBeGreaterThan(before.seconds!.parts.queue);
  });

  it("a quote from videos of another size says so, and has a wider range", async () => {
    await measure(20, { width: 32 });
    const { basis, notes, seconds } = await quote();
    expect(basis).toBe("scaled");
    expect(notes.join()).toContain("No video of this size and length was measured");
    expect(seconds!.high / seconds!.low).toBeGreaterThan(1.5);
  });

  it("a quote for an unknown model, a wrong value or a private picture is refused as the creation would be", async () => {
    const refused = (json: object) => api.send("POST", "/v1/videos/quote", { json });
    await expectProblem(await refused({ ...RED, model: "sora-2" }), "invalid_value", "model");
    await expectProblem(await refused({ ...RED, steps: 0 }), "invalid_value", "steps");
    await expectProblem(await refused({}), "invalid_value", "prompt");
    const picture = "https://10.0.0.7/a.png";
    await expectProblem(
      await refused({ ...RED, input_reference: picture }),
      "invalid_picture",
      "input_reference",
    );
    expect(api.fetched).toEqual([]);
  });

  it("damaged runs count as none, and the next finished video replaces them", async () => {
    await api.deps.store.put(runsKey("demo"), new TextEncoder().encode("{"));
    expect((await quote()).basis).toBe("unmeasured");
    await measure(1);
    expect((await quote()).basis).toBe("measured");
  });

  it("a created video keeps its quote, and one is created without where the runs cannot be read", async () => {
    await measure(20);
    const quoted = await quote();
    const { seconds, basis } = (await api.create(RED)).quote!;
    expect({ seconds, basis }).toEqual({ seconds: quoted.seconds, basis: "measured" });
    const runsOf = async () => {
      throw new StoreError("unavailable", "Not now.");
    };
    const app = createApp({ ...api.deps, quotes: { ...api.deps.quotes, runsOf } });
    const response = await app.request(`${BASE_URL}/v1/videos`, {
      method: "POST",
      headers: { authorization: `Bearer ${api.ownKey}`, "content-type": "application/json" },
      body: JSON.stringify(RED),
    });
    expect(((await response.json()) as Video).quote).toBeNull();
  });
});

describe("a key with a limit", () => {
  const create = (key = limitedKey, headers = {}) =>
    api.send("POST", "/v1/videos", { json: RED, key, headers });

  it("a key with a limit is refused what may exceed it, with what is left, and never told to retry", async () => {
    await measure(40);
    const { spending, cost } = await quote(RED, limitedKey);
    expect(spending).toEqual({ usd_per_day: 0.5, usd_left: 0.5, ends_at: Date.UTC(2026, 10, 23) / 1000 });
    const fits = Math.floor(0.5 / cost!.usd.high);
    for (let index = 0; index < fits; index++) expect((await create()).status).toBe(200);
    api.clock.advance(2000);
    const response = await create();
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([402, "false"]);
    const { detail } = await expectProblem(response, "spending_limit_reached", null);
    expect(detail).toMatch(
      /^This key may spend 0\.5 USD a day and has 0\.\d+ USD left until 2026-11-23T00:00:00Z/,
    );
    expect((await create(api.ownKey)).status).toBe(200);
  });

  it("a repeated request with one idempotency key sets money aside once", async () => {
    await measure(40);
    const again = { "idempotency-key": "k" };
    await create(limitedKey, again);
    const { spending } = await quote(RED, limitedKey);
    for (let index = 0; index < 6; index++) expect((await create(limitedKey, again)).status).toBe(200);
    expect((await quote(RED, limitedKey)).spending).toEqual(spending);
  });

  it("concurrent creations set aside no more than the limit together", async () => {
    await measure(40);
    const statuses = (await Promise.all(Array.from({ length: 12 }, () => create()))).map(
      ({ status }) => status,
    );
    const { cost, spending } = await quote(RED, limitedKey);
    expect(statuses.filter((status) => status === 200).length).toBe(Math.floor(0.5 / cost!.usd.high));
    expect(new Set(statuses)).toEqual(new Set([200, 402]));
    expect(spending!.usd_left).toBeGreaterThanOrEqual(0);
  });

  it("a video that nobody can quote sets aside what its whole timeout would cost", async () => {
    const asked = (timeout: number) =>
      api.send("POST", "/v1/videos", { json: { ...RED, timeout }, key: limitedKey });
    const { detail } = await expectProblem(await asked(60), "spending_limit_reached", null);
    expect(detail).toContain("may cost up to 0.60 USD");
    expect((await asked(40)).status).toBe(200);
  });

  it("a service without a price refuses a key with a limit, and says how to set one", async () => {
    const bare = await testApi({ store: memoryStore() });
    const { key } = await bare.deps.keys.create({ tenant: "acme", name: "", usdPerDay: 1 });
    const response = await bare.send("POST", "/v1/videos", { json: RED, key });
    const { detail } = await expectProblem(response, "price_unknown", null);
    expect(detail).toContain("PRICE_PER_HOUR");
    expect((await bare.deps.store.list("unfinished/")).keys).toEqual([]);
  });

  it("a ledger that cannot be written creates no video", async () => {
    const store = intercepted(memoryStore(), async (name, key, operation) => {
      if (name === "put" && key.startsWith("spending/")) throw new StoreError("denied", "Refused.");
      return operation();
    });
    const broken = await testApi({ store, usdPerHour: 36 });
    const { key } = await broken.deps.keys.create({ tenant: "acme", name: "", usdPerDay: 100 });
    const response = await broken.send("POST", "/v1/videos", { json: RED, key });
    expect(response.status).toBe(503);
    expect((await store.list("jobs/")).keys).toEqual([]);
  });
});
