import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type HttpRequest, type Load, measureLoad } from "./http-load.ts";
import { getVideo, postVideo, sendForVideo } from "./requests.ts";
import { type ApiLoad, type ApiRound, ROUTES, type Route } from "./results.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

const CONNECTIONS = [1, 16] as const;

/** Path of the measured server in every checkout. */
const OWN_SERVER = "tools/bench/api/server.ts";

/** Requests per round; those to the bare framework take less time. */
export const REQUESTS = {
  POST: { ours: 200, bare: 1000 },
  GET: { ours: 500, bare: 2000 },
} as const;

/** Stopped service whose data folder has a completed video. */
export interface MadeService {
  readonly folder: string;
  readonly key: string;
  readonly videoId: string;
}

export interface LoadOptions extends MadeService {
  /** Service of another checkout of this program, to be compared with; null for none. */
  readonly rival: (MadeService & { readonly checkout: string }) | null;
  readonly core: number | null;
  readonly rounds: number;
}

/** Measures rounds of every route. The API, the bare framework and the rival take turns on the same core. */
export async function measureLoads(options: LoadOptions): Promise<ApiLoad[]> {
  const { folder, key, videoId, rival, core, rounds } = options;
  const servers: ServerProcess[] = [];
  const start = async (script: string, args: readonly string[]) => {
    const server = await startServer({ script, args, core });
    servers.push(server);
    return server;
  };
  try {
    const ours = await start("./server.ts", [folder, "0"]);
    const queued = await sendForVideo(ours.port, postVideo(key));
    const completed = await sendForVideo(ours.port, getVideo(key, videoId));
    const answers = join(folder, "answers.json");
    await writeFile(answers, JSON.stringify({ [queued.id]: queued, [completed.id]: completed }));
    const bare = await start("./bare-server.ts", [answers]);
    const other = rival && (await start(join(rival.checkout, OWN_SERVER), [rival.folder, "0"]));

    const loads = CONNECTIONS.flatMap((connections) =>
      ROUTES.map((route): ApiLoad => {
        const requests = REQUESTS[route.startsWith("POST") ? "POST" : "GET"];
        return { route, connections, requests, ours: [], bare: [], ...(rival && { rival: [] }) };
      }),
    );
    // The first round is a warm-up and is not reported.
    for (let round = 0; round <= rounds; round++) {
      for (const load of loads) {
        const { route, connections } = load;
        const measured = async (
          name: "ours" | "bare" | "rival",
          server: ServerProcess,
          { key, videoId }: Pick<MadeService, "key" | "videoId">,
        ) => {
          const waiting = name === "bare" ? queued : await sendForVideo(server.port, postVideo(key));
          const ids = { queued: waiting.id, completed: videoId };
          const requests = load.requests[name === "bare" ? "bare" : "ours"];
          const next = () => requestOf(route, key, ids);
          const measurement = await measureRound(server, { connections, requests, next });
          if (round > 0) load[name]!.push(measurement);
          await server.cancelAll();
        };
        await measured("ours", ours, options);
        await measured("bare", bare, options);
        if (other) await measured("rival", other, rival);
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
