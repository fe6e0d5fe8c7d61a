import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StreamLimits } from "../../../functions/api/env.ts";
import { type LocalLiveJobs, liveJobs } from "../../../functions/local/live-jobs.ts";
import type { JobProgress } from "../../../lib/service/jobs/index.ts";
import { StoreError } from "../../../lib/service/storage/index.ts";
import { eventually } from "../../eventually.ts";
import { expectProblem } from "../problem.ts";
import { LIMITS, type TestApi, testApi } from "../support.ts";
import { eventsIn, eventsOf, type ReadEvent } from "./events.ts";

/** Service over real sockets, whose worker is the test. */
interface Watched {
  readonly api: TestApi;
  readonly live: LocalLiveJobs;
  readonly url: string;
  readonly open: () => number;
  readonly stopping: AbortController;
  stream(id: string, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>;
  /** Tells of progress, as the GPU function does. */
  progress(id: string, attempt: number, taken: string, more?: Partial<JobProgress>): void;
}

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await once(server.close(), "close");
  }
});

async function serve(limits: Partial<StreamLimits> = {}): Promise<Watched> {
  const live = liveJobs();
  const stopping = new AbortController();
  let open = 0;
  const api = await testApi({
    live,
    stopping: stopping.signal,
    onStreams: (count) => {
      open = count;
    },
    limits: { ...LIMITS, streams: { ...LIMITS.streams, ...limits } },
  });
  const server = createServer(
    getRequestListener((request, env) => {
      const { outgoing } = env as HttpBindings;
      const hangUp = () => void (outgoing.writableFinished || outgoing.destroy());
      return api.app.fetch(request, { hangUp });
    }),
  );
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    api,
    live,
    url,
    open: () => open,
    stopping,
    stream: (id, headers = {}, signal) =>
      fetch(`${url}/v1/videos/${id}/stream`, {
        headers: { authorization: `Bearer ${api.ownKey}`, ...headers },
        ...(signal && { signal }),
      }),
    progress(id, attempt, taken, more = {}) {
      const computed = taken.replaceAll("r", "").length;
      live.progressed({ tenant: "acme", id }, attempt, {
        ...{ stage: "denoise", steps: 30, done: taken.length, computed, taken },
        ...{ secondsLeft: 3, preview: null, ...more },
      });
    },
  };
}

let service: Watched;
beforeEach(async () => {
  service = await serve();
});

/** Opens a stream by a socket that reads nothing. */
async function unread({ url, api }: Watched, id: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.pause();
  socket.write(
    `GET /v1/videos/${id}/stream HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${api.ownKey}\r\n\r\n`,
  );
  return socket;
}

const nobody = (watched: Watched) => eventually(async () => expect(watched.open()).toBe(0));
const isOpen = (watched: Watched, count: number) =>
  eventually(async () => expect(watched.open()).toBe(count));

describe("a stream that is held open", () => {
  it("A reader is told of the queue, of each step, of previews, and of the end, and the stream closes.", async () => {
    const { api, live, progress, stream } = service;
    const { id } = await api.create();
    const ref = { tenant: "acme", id };
    const answer = await stream(id);
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    const events = eventsOf(answer);
    const next = async (): Promise<ReadEvent> => (await events.next()).value!;
    expect(await next()).toMatchObject({
      event: "status",
      data: { id, status: "queued", queue_position: 0 },
    });
    await api.claim(id);
    live.changed(ref);
    expect(await next()).toMatchObject({ event: "status", data: { status: "in_progress", attempts: 1 } });
    progress(id, 1, "cc");
    expect(await next()).toMatchObject({
      event: "progress",
      data: {
        ...{ status: "in_progress", attempt: 1, queue_position: null, stage: "denoise", steps: 30 },
        ...{ steps_done: 2, steps_computed: 2, seconds_left: 3 },
        taken: [
          { step: 1, computed: true },
          { step: 2, computed: true },
        ],
      },
    });
    live.previewed(ref, 1, { step: 2, webp: "UklGRg==" });
    expect(await next()).toMatchObject({
      event: "preview",
      data: { step: 2, data: "data:image/webp;base64,UklGRg==" },
    });
    progress(id, 1, "ccr");
    expect((await next()).data.taken).toEqual([{ step: 3, computed: false }]);
    await api.apply(id, { type: "cancel" });
    live.changed(ref);
    expect(await next()).toMatchObject({
      event: "status",
      data: { status: "failed", error: { code: "canceled" } },
    });
    expect((await events.next()).done).toBe(true);
    await nobody(service);
  });

  it("A reader that resumes gets what differs; one that knows the end gets 204.", async () => {
    const { api, progress, stream } = service;
    const { id } = await api.create();
    await api.claim(id);
    progress(id, 1, "ccr");
    const leaving = new AbortController();
    const first = eventsOf(await stream(id, {}, leaving.signal));
    await first.next();
    const told = (await first.next()).value!;
    leaving.abort();
    await nobody(service);
    progress(id, 1, "ccrrc");
    const second = eventsOf(await stream(id, { "last-event-id": told.id! }));
    expect((await second.next()).value).toMatchObject({
      event: "progress",
      data: {
        taken: [
          { step: 4, computed: false },
          { step: 5, computed: true },
        ],
      },
    });
    await api.apply(id, { type: "cancel" });
    service.live.changed({ tenant: "acme", id });
    const last = (await second.next()).value!;
    const again = await stream(id, { "last-event-id": last.id! });
    expect([again.status, await again.text()]).toEqual([204, ""]);
    const foreign = eventsIn(await (await stream(id, { "last-event-id": "video_x.completed.1.2" })).text());
    expect(foreign).toMatchObject([{ event: "status", data: { status: "failed" } }]);
  });

  it("A video that is deleted meanwhile ends its stream with one last event.", async () => {
    const { api, stream } = service;
    const { id } = await api.create();
    const events = eventsOf(await stream(id));
    await events.next();
    await api.send("DELETE", `/v1/videos/${id}`);
    const rest: ReadEvent[] = [];
    for await (const event of events) rest.push(event);
    expect(rest).toHaveLength(1);
    expect(["status", "deleted"]).toContain(rest[0]!.event);
    await expectProblem(await stream(id), "video_not_found");
    await nobody(service);
  });

  it("Missing and foreign ids, and requests without a key, are refused before a stream begins.", async () => {
    const { api, url, stream, open } = service;
    const { id } = await api.create({}, { key: api.otherKey });
    for (const unknown of [id, "video_01m8kyv6f5zm34b35jvnzcxjs8", "a"])
      await expectProblem(await stream(unknown), "video_not_found");
    await expectProblem(await fetch(`${url}/v1/videos/${id}/stream`), "invalid_api_key");
    expect(open()).toBe(0);
  });

  it("A HEAD request is answered and holds nothing.", async () => {
    const { api, url, open } = service;
    const { id } = await api.create();
    const headers = { authorization: `Bearer ${api.ownKey}` };
    const answer = await fetch(`${url}/v1/videos/${id}/stream`, { method: "HEAD", headers });
    expect([answer.status, answer.headers.get("content-type"), open()]).toEqual([
      200,
      "text/event-stream",
      0,
    ]);
  });

  it("A comment keeps a connection alive that has no news, while the record is looked at all the same.", async () => {
    const watched = await serve({ heartbeatMs: 20, lookMs: 50 });
    const { id } = await watched.api.create();
    const answer = await watched.stream(id);
    let text = "";
    for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      // Nobody tells of this change.
      if (text.includes(": nothing new\n\n")) await watched.api.apply(id, { type: "cancel" });
    }
    expect(eventsIn(text).at(-1)?.data).toMatchObject({ status: "failed" });
  });

  it("A store that does not answer for a while ends no stream.", async () => {
    const watched = await serve({ lookMs: 20 });
    const { api } = watched;
    const { id } = await api.create();
    const read = api.deps.jobs.read;
    let failures = 0;
    const events = eventsOf(await watched.stream(id));
    await events.next();
    Object.assign(api.deps.jobs, {
      read: async (ref: Parameters<typeof read>[0]) => {
        failures += 1;
        if (failures < 3) throw new StoreError("unavailable", "The store does not answer.");
        return read(ref);
      },
    });
    await eventually(async () => expect(failures).toBeGreaterThan(0));
    await api.apply(id, { type: "cancel" });
    expect((await events.next()).value).toMatchObject({ event: "status", data: { status: "failed" } });
  });
});

describe("the limits of streams", () => {
  it("A key may have so many streams, and one that ends makes room for another.", async () => {
    const watched = await serve({ perKeyMax: 2, totalMax: 3 });
    const { api, stream } = watched;
    const { id } = await api.create();
    const leaving = new AbortController();
    await stream(id, {}, leaving.signal);
    await stream(id);
    const refused = await stream(id);
    expect(refused.headers.get("retry-after")).toBe("5");
    await expectProblem(refused, "too_many_streams");
    leaving.abort();
    await isOpen(watched, 1);
    expect((await stream(id)).status).toBe(200);
    const foreign = await api.create({}, { key: api.otherKey });
    const other = { authorization: `Bearer ${api.otherKey}` };
    expect((await stream(foreign.id, other)).status).toBe(200);
    await expectProblem(await stream(foreign.id, other), "too_many_streams");
  });

  it("A hundred readers that vanish leave nothing behind.", async () => {
    const watched = await serve({ perKeyMax: 200 });
    const { id } = await watched.api.create();
    await watched.api.claim(id);
    const readers = await Promise.all(Array.from({ length: 100 }, () => unread(watched, id)));
    await isOpen(watched, 100);
    for (const socket of readers) socket.resetAndDestroy();
    await nobody(watched);
  });

  it("A reader that takes nothing is dropped, and nothing piles up for it.", async () => {
    const watched = await serve({ drainMs: 300 });
    const { api, live, progress } = watched;
    const { id } = await api.create();
    await api.claim(id);
    progress(id, 1, "c");
    const socket = await unread(watched, id);
    await isOpen(watched, 1);
    const closed = once(socket, "close");
    const webp = "A".repeat(4 * 2 ** 20);
    let sent = 0;
    const previews = setInterval(() => {
      sent += 1;
      live.previewed({ tenant: "acme", id }, 1, { step: sent, webp });
    }, 5);
    await nobody(watched);
    clearInterval(previews);
    socket.resume();
    await closed;
    // What the system buffers, not one preview for each that was made.
    expect(socket.bytesRead / webp.length).toBeLessThan(Math.max(sent / 2, 8));
  });

  it("A slow reader gets the newest state, not all of them.", async () => {
    const { api, live, progress, stream } = service;
    const { id } = await api.create();
    await api.claim(id);
    progress(id, 1, "c");
    const events = eventsOf(await stream(id));
    await events.next();
    for (let step = 2; step <= 25; step += 1) progress(id, 1, "c".repeat(step));
    live.previewed({ tenant: "acme", id }, 1, { step: 25, webp: "" });
    const steps: unknown[] = [];
    for await (const { event, data } of events) {
      if (event === "progress") steps.push(...(data.taken as { step: number }[]).map(({ step }) => step));
      if (event === "preview") break;
    }
    expect(steps).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  });

  it("A stream ends after its time, and its reader is told when to come again.", async () => {
    const watched = await serve({ lifeMs: 50 });
    const { id } = await watched.api.create();
    const text = await (await watched.stream(id)).text();
    expect(text).toMatch(/^retry: 1000\n\n/);
    expect(eventsIn(text)).toHaveLength(1);
    await nobody(watched);
  });

  it("A key that is revoked loses its streams.", async () => {
    const watched = await serve({ lookMs: 20 });
    const { api } = watched;
    const { id } = await api.create();
    const answer = await watched.stream(id);
    const own = (await api.deps.keys.list()).find(({ tenant }) => tenant === "acme")!;
    await api.deps.keys.revoke(own.id);
    api.clock.advance(10_000);
    await answer.text();
    await nobody(watched);
  });

  it("A service that stops ends all streams at once.", async () => {
    const { api, stream, stopping } = service;
    const { id } = await api.create();
    const answers = await Promise.all(Array.from({ length: 15 }, () => stream(id)));
    await isOpen(service, 15);
    stopping.abort();
    await Promise.all(answers.map((answer) => answer.text()));
    await nobody(service);
  });
});
