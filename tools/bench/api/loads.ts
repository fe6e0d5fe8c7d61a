import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type HttpRequest, type Load, measureLoad } from "./http-load.ts";
import { getVideo, postVideo, sendForVideo } from "./requests.ts";
import { type ApiLoad, type ApiRound, ROUTES, type Route } from "./results.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

const CONNECTIONS = [1, 16] as const;

/** Requests per round; those to the bare framework take less time. */
export const REQUESTS = {
  POST: { ours: 200, bare: 1000 },
  GET: { ours: 500, bare: 2000 },
} as const;

export interface LoadOptions {
  /** Data folder of a stopped service that has a completed video. */
  readonly folder: string;
  readonly key: string;
  readonly videoId: string;
  readonly core: number | null;
  readonly rounds: number;
}

/** Measures rounds of every route. The API and the bare framework take turns on the same core. */
export async function measureLoads(options: LoadOptions): Promise<ApiLoad[]> {
  const { folder, key, videoId, core, rounds } = options;
  const ours = await startServer({ script: "./server.ts", args: [folder, "0"], core });
  const servers = [ours];
  try {
    const queued = await sendForVideo(ours.port, postVideo(key));
    const completed = await sendForVideo(ours.port, getVideo(key, videoId));
    const answers = join(folder, "answers.json");
    await writeFile(answers, JSON.stringify({ [queued.id]: queued, [completed.id]: completed }));
    const bare = await startServer({ script: "./bare-server.ts", args: [answers], core });
    servers.push(bare);

    const loads = CONNECTIONS.flatMap((connections) =>
      ROUTES.map((route): ApiLoad => {
        const requests = REQUESTS[route.startsWith("POST") ? "POST" : "GET"];
        return { route, connections, requests, ours: [], bare: [] };
      }),
    );
    // The first round is a warm-up and is not reported.
    for (let round = 0; round <= rounds; round++) {
      for (const load of loads) {
        const waiting = await sendForVideo(ours.port, postVideo(key));
        const { route, connections, requests } = load;
        const ids = {
          ours: { queued: waiting.id, completed: videoId },
          bare: { queued: queued.id, completed: videoId },
        };
        const side = (server: ServerProcess, name: "ours" | "bare") =>
          measureRound(server, {
            connections,
            requests: requests[name],
            next: () => requestOf(route, key, ids[name]),
          });
        const [own, yardstick] = [await side(ours, "ours"), await side(bare, "bare")];
        if (round > 0) {
          load.ours.push(own);
          load.bare.push(yardstick);
        }
        await ours.cancelAll();
      }
    }
    return loads;
  } finally {
    for (const server of servers) await server.stop();
  }
}

function requestOf(route: Route, key: string, ids: { queued: string; completed: string }): HttpRequest {
  switch (route) {
    case "POST /v1/videos":
      return postVideo(key);
    case "POST /v1/videos, Idempotency-Key":
      return postVideo(key, { "idempotency-key": randomUUID() });
    case "GET /v1/videos/{id}, queued":
      return getVideo(key, ids.queued);
    case "GET /v1/videos/{id}, completed":
      return getVideo(key, ids.completed);
  }
}

/** Measures a round of requests, and the server's processor time per request. */
export async function measureRound(server: ServerProcess, load: Omit<Load, "port">): Promise<ApiRound> {
  const before = await server.cpuSeconds();
  const round = await measureLoad({ ...load, port: server.port });
  return { ...round, cpu: (((await server.cpuSeconds()) - before) / load.requests) * 1000 };
}
