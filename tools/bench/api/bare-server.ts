import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { answerQuestions } from "./server-process.ts";

/**
 * Baseline server (`bare-server.ts FILE`), which reads and answers the same JSON with the same framework and
 * does nothing else. The file holds the answers by id; every POST is answered with the first.
 */

const answers = JSON.parse(await readFile(process.argv[2]!, "utf8")) as Record<string, object>;
const first = Object.values(answers)[0]!;

const app = new Hono()
  .post("/v1/videos", async (c) => {
    await c.req.json();
    return c.json(first);
  })
  .get("/v1/videos/:id", (c) => c.json(answers[c.req.param("id")]!));

const server = createAdaptorServer({ fetch: app.fetch }) as Server;
server.listen(0, "127.0.0.1");
await once(server, "listening");
answerQuestions(async () => undefined);
process.send!({ port: (server.address() as AddressInfo).port, keys: [] });
