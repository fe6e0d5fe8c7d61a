import { describe, expect, it } from "vitest";
import type { DecoderRun } from "../../../lib/generation/models/index.ts";
import { Graph, neg } from "../../../lib/generation/onnx/index.ts";
import { runsInTurn, takeTurns } from "../../../lib/generation/pipeline/continued-runs.ts";
import { partMemory } from "../../../lib/generation/pipeline/model/part-memory.ts";

const features: DecoderRun = { frames: 1, makesFeatures: true };
const pictures: DecoderRun = { frames: 2, takesFeatures: true };

/** Returns a graph whose activations are two tensors of so many elements. */
function graphOf({ frames }: DecoderRun): Graph {
  const graph = new Graph();
  graph.output("y", neg(graph.input("x", "float32", [frames, 100])));
  return graph;
}

/** Opens runs in turn, and records what happens to their sessions. */
function recorded(runs: readonly DecoderRun[], failing: readonly string[] = []) {
  const events: string[] = [];
  let opened = 0;
  const made = runsInTurn(runs, graphOf, async () => {
    const name = "abcdef"[opened++]!;
    events.push(`open ${name}`);
    return {
      inputs: [],
      async run() {
        events.push(`run ${name}`);
        if (failing.includes(name)) throw new Error(`${name} failed`);
        return {};
      },
      release: async () => void events.push(`release ${name}`),
    };
  });
  return { ...made, events };
}

describe("runs whose sessions take turns", () => {
  it("a session opens at its first run, and is released before the next opens and after the last run", async () => {
    const { runs, events } = recorded([features, features, pictures, pictures]);
    expect(events).toEqual([]);
    for (const { session } of runs) await session.run({});
    const both = ["open a", "run a", "run a", "release a", "open b", "run b", "run b", "release b"];
    expect(events).toEqual(both);
    for (const { session } of runs) await session.run({});
    expect(events.slice(both.length).filter((event) => /open|release/.test(event))).toEqual([
      "open c",
      "release c",
      "open d",
      "release d",
    ]);
  });

  it("a session that is left open by a failure is released with the others, and once", async () => {
    const { runs, events, release } = recorded([features, pictures], ["b"]);
    await runs[0]!.session.run({});
    await expect(runs[1]!.session.run({})).rejects.toThrow("b failed");
    await release();
    await release();
    expect(events).toEqual(["open a", "run a", "release a", "open b", "run b", "release b"]);
  });

  it("runs that begin again after a failure open their first session again", async () => {
    const { runs, events } = recorded([features, pictures], ["b"]);
    await runs[0]!.session.run({});
    await expect(runs[1]!.session.run({})).rejects.toThrow("b failed");
    await runs[0]!.session.run({});
    expect(events.slice(-3)).toEqual(["release b", "open c", "run c"]);
  });

  it("sessions take turns where pictures are made of features", () => {
    expect(takeTurns([{ frames: 5 }, { frames: 5 }])).toBe(false);
    expect(takeTurns([features, pictures])).toBe(true);
  });

  it("sessions that take turns hold the memory of the largest, and others that of all", () => {
    const graphs = [features, pictures].map(graphOf);
    expect(partMemory("decoder", graphs).heldBytes).toBe(800 + 1600);
    expect(partMemory("decoder", graphs, { inTurn: true })).toEqual(partMemory("decoder", [graphs[1]!]));
  });
});
