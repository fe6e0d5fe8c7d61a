import { setMaxListeners } from "node:events";
import { connect } from "node:net";
import type { SeededRandom } from "../../test/sim/seeded-random.ts";
import type { Acknowledged, Ordering } from "./orders.ts";

/** Sights of the readers of streams. */
export interface Watched {
  /** Streams that were opened, by what their reader did. */
  readonly opened: Readonly<Record<Manner, number>>;
  /** Videos whose steps came twice, or not in order, within an attempt. */
  readonly garbled: readonly string[];
  /** Streams that the service still holds when no reader is left; null if it could not be asked. */
  readonly held: number | null;
}

/** Manner of a reader: it reads and comes again until the end, vanishes, or never reads. */
type Manner = "reads" | "vanishes" | "stares";
const MANNERS: readonly Manner[] = ["reads", "reads", "vanishes", "stares"];

const HELD_TRIES = 100;
const PAUSE_MS = 300;

export interface Watchers {
  /** Watches the video of an order, in a manner that is drawn. */
  watch(order: Acknowledged): void;
  /** Ends all readers, and counts what the service still holds for them. */
  end(): Promise<Watched>;
}

/** Opens readers of streams that come and go while a service is killed. */
export function openWatchers({ url, keys, sleep }: Ordering, random: SeededRandom): Watchers {
  const opened: Record<Manner, number> = { reads: 0, vanishes: 0, stares: 0 };
  const garbled = new Set<string>();
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const running: Promise<void>[] = [];

  async function read({ id, tenant }: Acknowledged, breaksOff: boolean): Promise<void> {
    const seen = new Map<number, number>();
    let lastId = "";
    while (!leaving.signal.aborted) {
      const own = new AbortController();
      const leave = () => own.abort();
      leaving.signal.addEventListener("abort", leave);
      try {
        const headers = {
          authorization: `Bearer ${keys[tenant]}`,
          ...(lastId && { "last-event-id": lastId }),
        };
        const answer = await fetch(`${await url()}/v1/videos/${id}/stream`, { headers, signal: own.signal });
        if (answer.status === 204 || answer.status === 404) return;
        let text = answer.ok ? "" : await answer.text().then(() => "");
        for await (const part of answer.ok ? answer.body!.pipeThrough(new TextDecoderStream()) : []) {
          text += part;
          const blocks = text.split("\n\n");
          text = blocks.pop()!;
          for (const block of blocks) lastId = take(block, seen, id) ?? lastId;
          if (breaksOff) return leave();
        }
      } catch {
        // The service was killed: the reader comes again, as a browser would.
      } finally {
        leaving.signal.removeEventListener("abort", leave);
      }
      await sleep(PAUSE_MS);
    }
  }

  /** Takes an event, and returns its id. */
  function take(block: string, seen: Map<number, number>, videoId: string): string | null {
    const [, id] = /^id: (.*)$/m.exec(block) ?? [];
    if (!/^event: progress$/m.test(block)) return id ?? null;
    const { attempt, taken } = JSON.parse(/^data: (.*)$/m.exec(block)![1]!) as {
      attempt: number;
      taken: readonly { step: number }[];
    };
    for (const { step } of taken) {
      if (step !== (seen.get(attempt) ?? 0) + 1) garbled.add(videoId);
      seen.set(attempt, step);
    }
    return id ?? null;
  }

  /** Opens a stream by a socket that reads nothing, until the service or the storm ends it. */
  async function stare({ id, tenant }: Acknowledged): Promise<void> {
    const { hostname, port } = new URL(await url());
    const socket = connect({ host: hostname, port: Number(port) });
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.pause();
    socket.write(
      `GET /v1/videos/${id}/stream HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${keys[tenant]}\r\n\r\n`,
    );
    leaving.signal.addEventListener("abort", () => socket.destroy());
    return closed;
  }

  async function held(): Promise<number | null> {
    let count: number | null = null;
    for (let tries = 0; tries < HELD_TRIES && count !== 0; tries += 1) {
      const metrics = await fetch(`${await url()}/metrics`).then(
        (answer) => answer.text(),
        () => "",
      );
      const [, value] = /^adareel_open_streams (\d+)$/m.exec(metrics) ?? [];
      count = value === undefined ? count : Number(value);
      if (count !== 0) await sleep(PAUSE_MS);
    }
    return count;
  }

  return {
    watch(order) {
      const manner = random.pick(MANNERS);
      opened[manner] += 1;
      running.push(manner === "stares" ? stare(order) : read(order, manner === "vanishes"));
    },
    async end() {
      leaving.abort();
      await Promise.all(running);
      return { opened, garbled: [...garbled], held: await held() };
    },
  };
}
