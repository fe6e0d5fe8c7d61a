import { beforeAll, describe, expect, it } from "vitest";
import { memoryStore } from "../../service/jobs/memory-store.ts";
import { expectProblem } from "../problem.ts";
import { LIMITS, type SendOptions, type TestApi, testApi } from "../support.ts";

/* What crosses the wire, and what is refused before any tool is called. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
});

const ACCEPT = { accept: "application/json, text/event-stream", "content-type": "application/json" };

function post(message: unknown, { headers, ...options }: SendOptions = {}): Promise<Response> {
  const body = typeof message === "string" ? message : JSON.stringify(message);
  return api.send("POST", "/mcp", { body, headers: { ...ACCEPT, ...headers }, ...options });
}

const list = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
const call = (name: string, args: object, id = 1) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

/** Reads the messages of an answer, which are events or JSON. */
async function messages(answer: Response): Promise<Record<string, unknown>[]> {
  const text = await answer.text();
  if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) return [JSON.parse(text)].flat();
  return [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data!));
}

describe("a request of /mcp", () => {
  it("a call needs no session and no greeting", async () => {
    const answer = await post(list);
    expect([answer.status, answer.headers.has("mcp-session-id")]).toEqual([200, false]);
    expect(answer.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await messages(answer)).toMatchObject([{ id: 1, result: { tools: { length: 5 } } }]);
  });

  it("a request without a valid key is refused with the header that says what is wanted", async () => {
    for (const key of [null, "adr_wrong"]) {
      const answer = await post(list, { key });
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="adareel"');
      await expectProblem(answer, "invalid_api_key");
    }
  });

  it("sessions of older versions are refused, with what is taken instead", async () => {
    for (const method of ["GET", "DELETE"]) {
      const answer = await api.send(method, "/mcp", { headers: ACCEPT });
      expect(answer.headers.get("allow")).toBe("POST");
      await expectProblem(answer, "method_not_allowed");
    }
  });

  it.each([
    ["that is no JSON", "{", {}, 400],
    ["of plain text", JSON.stringify(list), { "content-type": "text/plain" }, 415],
    ["whose client reads no events", JSON.stringify(list), { accept: "application/json" }, 406],
    [
      "that is too long",
      JSON.stringify(call("quote_video", { prompt: "x".repeat(LIMITS.bodyBytesMax) })),
      {},
      413,
    ],
    ["that is no message", "[]", {}, 400],
  ])("a body %s is refused", async (_name, body, headers, status) => {
    expect((await post(body, { headers })).status).toBe(status);
  });

  it("a batch is answered in one piece", async () => {
    const answer = await post([call("list_models", {}, 1), call("quote_video", { prompt: "a" }, 2)]);
    expect((await messages(answer)).map(({ id }) => id).sort()).toEqual([1, 2]);
  });

  it("a method that does not exist is an error of the protocol", async () => {
    const answer = await post({ ...list, method: "films/list" });
    expect(await messages(answer)).toMatchObject([{ error: { code: -32601 } }]);
  });

  it.each([
    ["https://api.test", 200],
    ["http://localhost:6274", 200],
    ["http://127.0.0.1:6274", 200],
    ["http://[::1]:6274", 200],
    ["https://evil.example", 403],
    ["https://api.test.evil.example", 403],
    ["https://localhost.evil.example", 403],
    ["null", 403],
    ["nonsense", 403],
  ])("a page of %s gets %i", async (origin, status) => {
    expect((await post(list, { headers: { origin } })).status).toBe(status);
  });

  it("a page of the user's machine may ask before it sends a key", async () => {
    const headers = {
      origin: "http://localhost:6274",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,mcp-protocol-version",
    };
    const answer = await api.send("OPTIONS", "/mcp", { key: null, headers });
    expect([answer.status, answer.headers.get("access-control-allow-headers")]).toEqual([
      204,
      expect.stringContaining("mcp-protocol-version"),
    ]);
  });
});

describe("refusals of the service in a call of a tool", () => {
  const result = async (of: TestApi, name: string, args: object) => {
    const answer = await of.send("POST", "/mcp", { body: JSON.stringify(call(name, args)), headers: ACCEPT });
    const [message] = await messages(answer);
    return message!.result as {
      isError?: boolean;
      content: { text: string }[];
      structuredContent: { quote: string };
    };
  };

  it("a full queue is told in the service's sentence, and the quote works later", async () => {
    const small = await testApi({ store: memoryStore(), limits: { ...LIMITS, unfinishedMax: 1 } });
    const { id } = await small.create();
    const args = { prompt: "a" };
    const { quote } = (await result(small, "quote_video", args)).structuredContent;
    const refused = await result(small, "make_video", { ...args, quote });
    const sentence = "This key has 1 unfinished videos: wait until one of them ends.";
    expect(refused).toMatchObject({ isError: true, content: [{ text: sentence }] });
    await small.complete(id);
    expect((await result(small, "make_video", { ...args, quote })).isError).toBeUndefined();
  });

  it("a fault of the service tells its request id and nothing else", async () => {
    const memory = memoryStore();
    const get: typeof memory.get = async (key, ...rest) => {
      if (key.startsWith("jobs/")) throw new Error("secret path");
      return memory.get(key, ...rest);
    };
    const broken = await testApi({ store: { ...memory, get } });
    const { id } = await api.create();
    const { isError, content } = await result(broken, "get_video", { id });
    const sentence = /^The service failed\. Ask about it with the request id [\w-]{36}\.$/;
    expect([isError, content[0]!.text]).toEqual([true, expect.stringMatching(sentence)]);
  });

  it("a deleted video's quote makes no other", async () => {
    const args = { prompt: "b" };
    const { quote } = (await result(api, "quote_video", args)).structuredContent;
    const made = await result(api, "make_video", { ...args, quote });
    await api.send("DELETE", `/v1/videos/${(made.structuredContent as unknown as { id: string }).id}`);
    const again = await result(api, "make_video", { ...args, quote });
    expect(again).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining("was deleted") }],
    });
  });
});
