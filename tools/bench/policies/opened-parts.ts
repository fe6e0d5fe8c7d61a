import {
  buildUncut,
  cutNames,
  type DiffusionTransformer,
  type Feeds,
} from "../../../lib/generation/models/index.ts";
import type { Graph, Session, Tensor } from "../../../lib/generation/onnx/index.ts";
import type { DenoisingSessions, Observed } from "../../../lib/generation/pipeline/index.ts";
import { buildFront, buildModulatedInput, buildRest, partNames } from "./graphs.ts";
import type { StepGraphs } from "./rival.ts";

/** Sessions that rivals need besides those of the product, each opened when it is first used. */
export interface OpenedParts {
  /** Returns the graphs of one step. `count` is called with the cost of each run in computed steps. */
  step(sessions: DenoisingSessions, of: Observed, feeds: Feeds, count: (cost: number) => void): StepGraphs;
  release(): Promise<void>;
}

/** Opens no session yet. */
export function openedParts(): OpenedParts {
  const opened = new Map<DiffusionTransformer, Map<string, Promise<Session>>>();

  function session({ transformer, open }: Observed, key: string, build: () => Graph): Promise<Session> {
    const own = opened.get(transformer) ?? new Map<string, Promise<Session>>();
    opened.set(transformer, own);
    const known = own.get(key) ?? open(build());
    own.set(key, known);
    return known;
  }

  return {
    step({ full, reuse }, of, feeds, count) {
      const { transformer: dit, cut, guidanceScale } = of;
      const [batch, width] = [cut.batch ?? 2, [dit.tokens, dit.width]];
      const stream = (data: Float32Array): Tensor => ({ dtype: "float32", shape: [batch, ...width], data });
      const parts = (blocks: number) => {
        if (blocks >= 1 && blocks < dit.blocks) return blocks / dit.blocks;
        throw new RangeError(`a transformer of ${dit.blocks} blocks cannot be cut after ${blocks}`);
      };
      const runReuse = async (residual: Float32Array, more: Feeds = {}) => {
        const out = await reuse.run({ ...feeds, ...more, [cutNames.residual]: stream(residual) });
        return values(out, cutNames.prediction);
      };
      const graphs: StepGraphs = {
        async full() {
          count(1);
          return computed(await full.run(feeds));
        },
        reuse: (residual) => runReuse(residual),
        async front(blocks) {
          count(parts(blocks));
          const part = await session(of, `front ${blocks}`, () => buildFront(dit, cut, blocks));
          const out = await part.run(feeds);
          return { added: values(out, partNames.added), stream: values(out, partNames.stream) };
        },
        async rest(blocks, { added }) {
          count(1 - parts(blocks));
          const part = await session(of, `rest ${blocks}`, () => buildRest(dit, cut, blocks));
          return computed(await part.run({ ...feeds, [partNames.added]: stream(added) }));
        },
        async conditional() {
          count(1 / batch);
          const part = await session(of, "conditional", () => buildUncut(dit, { ...cut, batch: 1 }));
          return values(await part.run(firstRows(feeds)), cutNames.prediction);
        },
        async halves() {
          const { prediction, residual } = await graphs.full();
          if (batch === 1) return { prediction, conditional: prediction, unconditional: prediction };
          // With a guidance scale of 0 the head gives the unconditional half.
          const unguided = { dtype: "float32", shape: [], data: new Float32Array([0]) } as const;
          const unconditional = await runReuse(residual, { [cutNames.guidanceScale]: unguided });
          const conditional = unconditional.map(
            (value, i) => value + (prediction[i]! - value) / guidanceScale,
          );
          return { prediction, conditional, unconditional };
        },
        async modulatedInput() {
          const part = await session(of, "modulated input", () => buildModulatedInput(dit, cut));
          return values(await part.run(feeds), partNames.modulatedInput);
        },
      };
      return graphs;
    },
    async release() {
      const sessions = [...opened.values()].flatMap((own) => [...own.values()]);
      opened.clear();
      for (const session of sessions) await (await session).release();
    },
  };
}

function computed(out: Readonly<Record<string, Tensor>>) {
  return { prediction: values(out, cutNames.prediction), residual: values(out, cutNames.residual) };
}

function values(out: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  return out[name]!.data as Float32Array;
}

/** Returns the feeds of the conditional half: the first row of those with a row for each half. */
function firstRows(feeds: Feeds): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      const { shape, data } = tensor;
      if (shape[0] !== 2) return [name, tensor];
      return [name, { ...tensor, shape: [1, ...shape.slice(1)], data: data.slice(0, data.length / 2) }];
    }),
  );
}
