import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoopbackService, startLoopbackService } from "../../conformance/service.ts";
import { eventually } from "../../eventually.ts";

/* The official client over a socket, in both protocols that it speaks. */

const PROTOCOLS = [
  ["of 2025", {}],
  ["of 2026", { versionNegotiation: { mode: "auto" } }],
] as const;

const wanted = { prompt: "a red circle moves to the left", steps: 4, seed: 5 };

interface Result {
  readonly isError: boolean;
  readonly said: string;
  readonly result: Record<string, unknown>;
}

let service: LoopbackService;
beforeAll(async () => {
  service = await startLoopbackService();
});
afterAll(() => service.stop());

async function connect(options: object = {}, key = service.api.ownKey) {
  const client = new Client({ name: "test", version: "1.0.0" }, options);
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${service.origin}/mcp`), { requestInit }));
  async function call(name: string, args: object = {}): Promise<Result> {
    const answer = await client.callTool({ name, arguments: { ...args } });
    const [content] = answer.content as { text: string }[];
    return {
      isError: answer.isError === true,
      said: content!.text,
      result: (answer.structuredContent ?? {}) as Record<string, unknown>,
    };
  }
  return { client, call };
}

async function countOf(): Promise<number> {
  const answer = await service.api.send("GET", "/v1/videos?limit=100");
  return ((await answer.json()) as { data: unknown[] }).data.length;
}

describe.each(PROTOCOLS)("the MCP client with the protocol %s", (_name, options) => {
  it("a model can list, quote, make and follow a video", async () => {
    const { client, call } = await connect(options);
    const { tools } = await client.listTools();
    const names = ["list_models", "quote_video", "make_video", "get_video", "cancel_video"];
    expect(tools.map(({ name }) => name)).toEqual(names);
    expect(client.getInstructions()).toContain("Call quote_video first");
    const { result: listed } = await call("list_models");
    expect(listed).toMatchObject({ models: [{ id: "demo", sizes: ["64x64"] }] });

    const before = await countOf();
    const { result: quoted, said } = await call("quote_video", wanted);
    expect(quoted).toMatchObject({ basis: "unmeasured", steps: { total: 4 }, quote: expect.any(String) });
    expect(said).toMatch(/^Nothing like it was made here before, .* call make_video with the same arguments/);
    expect(await countOf()).toBe(before);

    const { result: made } = await call("make_video", { ...wanted, quote: quoted.quote });
    expect(made).toMatchObject({ status: "queued", is_repetition: false, url: null });
    const { result: again } = await call("make_video", { ...wanted, quote: quoted.quote });
    expect(again).toMatchObject({ id: made.id, is_repetition: true });
    expect(await countOf()).toBe(before + 1);

    const done = await eventually(async () => {
      const { result, said } = await call("get_video", { id: made.id, wait_seconds: 5 });
      expect(result.status).toBe("completed");
      expect(said).toMatch(/^The video video_\w+ is there: give the user its url/);
      return result;
    });
    expect(await (await fetch(done.url as string)).text()).toBe(`video.mp4 of ${made.id}`);
    const { said: late } = await call("cancel_video", { id: made.id });
    expect(late).toMatch(/^It was over before\. The video /);
    await client.close();
  });

  it("a model that makes mistakes is told in a sentence what to do, and nothing is made", async () => {
    const [{ call, client }, stranger] = [
      await connect(options),
      await connect(options, service.api.otherKey),
    ];
    const before = await countOf();
    const { result } = await call("quote_video", wanted);
    const { quote } = result as { quote: string };
    const forged = `${quote.slice(0, -1)}${quote.endsWith("A") ? "B" : "A"}`;
    const cases: [said: RegExp, answer: Promise<Result>][] = [
      [/^This quote is for other arguments: /, call("make_video", { ...wanted, steps: 8, quote })],
      [/^This is no quote of this API key: /, stranger.call("make_video", { ...wanted, quote })],
      [/^This is no quote of this API key: /, call("make_video", { ...wanted, quote: forged })],
      [/^This is no quote of this API key: /, call("make_video", { ...wanted, quote: "yes" })],
      [/^quote is missing/, call("make_video", wanted)],
      [/^The prompt is empty/, call("quote_video", { prompt: "" })],
      [/^The prompt is missing/, call("quote_video")],
      [/^prompt .* 2000 /, call("quote_video", { prompt: "x".repeat(2001) })],
      [/^steps .*1000/, call("quote_video", { prompt: "a", steps: 1001 })],
      [/colour/, call("quote_video", { prompt: "a", colour: "red" })],
      [/^This model /, call("quote_video", { prompt: "a", size: "1280x720" })],
      [
        /^This deployment has no such model: choose demo\.$/,
        call("quote_video", { prompt: "a", model: "sora" }),
      ],
      [/^wait_seconds .*20/, call("get_video", { id: "video_1", wait_seconds: 60 })],
      [/^There is no video with this id\.$/, call("get_video", { id: "video_1" })],
      [/^There is no video with this id\.$/, call("cancel_video", { id: "../keys" })],
    ];
    for (const [said, answer] of cases)
      expect(await answer).toMatchObject({ isError: true, said: expect.stringMatching(said) });
    expect(await countOf()).toBe(before);
    await Promise.all([client.close(), stranger.client.close()]);
  });

  it("a tool that does not exist is an error of the protocol", async () => {
    const { client } = await connect(options);
    await expect(client.callTool({ name: "make_film", arguments: {} })).rejects.toThrow(/make_film/);
    await client.close();
  });

  it("a client without a valid key does not connect", async () => {
    await expect(connect(options, "adr_wrong")).rejects.toThrow(/401|Unauthorized|valid API key/);
  });
});

describe("the tools of the MCP server", () => {
  it("a quote ends after half an hour, and the video that was made with it stays", async () => {
    const { call, client } = await connect();
    const { result } = await call("quote_video", wanted);
    const { result: made } = await call("make_video", { ...wanted, quote: result.quote });
    service.api.clock.advance(30 * 60_000);
    const late = await call("make_video", { ...wanted, quote: result.quote });
    expect(late).toMatchObject({ isError: true, said: expect.stringMatching(/^This quote has expired: /) });
    expect((await call("get_video", { id: made.id })).isError).toBe(false);
    await client.close();
  });

  it("the order in which a model writes its arguments makes no difference", async () => {
    const { call, client } = await connect();
    const { result } = await call("quote_video", { seed: 5, steps: 4, prompt: wanted.prompt });
    expect((await call("make_video", { quote: result.quote, ...wanted })).isError).toBe(false);
    await client.close();
  });

  it("a queued video can be cancelled, and its quote does not make it again", async () => {
    const idle = await startLoopbackService({ hasWorker: false });
    const client = new Client({ name: "test", version: "1.0.0" });
    const requestInit = { headers: { authorization: `Bearer ${idle.api.ownKey}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${idle.origin}/mcp`), { requestInit }));
    const call = async (name: string, args: object) =>
      (await client.callTool({ name, arguments: { ...args } })).structuredContent as Record<string, unknown>;
    const { quote } = await call("quote_video", wanted);
    const { id } = await call("make_video", { ...wanted, quote });
    expect(await call("cancel_video", { id })).toMatchObject({
      status: "failed",
      error: { code: "canceled" },
    });
    expect(await call("make_video", { ...wanted, quote })).toMatchObject({
      id,
      status: "failed",
      is_repetition: true,
    });
    await client.close();
    idle.stop();
  });

  it("the schemas of a call have the texts of the parameters, and no cache", async () => {
    const { client } = await connect();
    const { tools } = await client.listTools();
    const properties = tools.find(({ name }) => name === "quote_video")!.inputSchema.properties as object;
    expect(Object.keys(properties)).toEqual(
      expect.arrayContaining(["prompt", "size", "seconds", "seed", "quality"]),
    );
    expect(properties).not.toHaveProperty("cache");
    expect(properties).not.toHaveProperty("input_reference");
    expect(JSON.stringify(tools).length).toBeLessThan(20_000);
    await client.close();
  });
});
