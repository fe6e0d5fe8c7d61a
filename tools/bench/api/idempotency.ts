import { randomUUID } from "node:crypto";
import { openConnection } from "./http-load.ts";
import { countVideos, postVideo } from "./requests.ts";
import type { ApiResults } from "./results.ts";
import { startServer } from "./server-process.ts";

/** Sends the same request with the same idempotency key on many connections at once, and counts the jobs created. */
export async function measureIdempotency(folder: string, posts: number): Promise<ApiResults["idempotency"]> {
  const server = await startServer({ script: "./server.ts", args: [folder, "1"], core: null });
  try {
    const key = server.keys[0]!;
    const connections = await Promise.all(Array.from({ length: posts }, () => openConnection(server.port)));
    const request = postVideo(key, { "idempotency-key": randomUUID() });
    const began = performance.now();
    const answers = await Promise.all(connections.map((connection) => connection.send(request)));
    const seconds = (performance.now() - began) / 1000;
    for (const connection of connections) connection.close();
    const statuses: Record<string, number> = {};
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
    const ids = answers
      .filter(({ status }) => status === 200)
      .map(({ body }) => JSON.parse(body).id as string);
    return { posts, statuses, ids: new Set(ids).size, listed: await countVideos(server.port, key), seconds };
  } finally {
    await server.stop();
  }
}
