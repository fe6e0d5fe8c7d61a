import { lateWeights } from "./late-casts.ts";
import type { Model } from "./model-proto.ts";
import { elementCount } from "./shape.ts";
import { dataTypes } from "./types.ts";

/**
 * Returns the bytes of weights that an open session holds: of a weight that is cast when the session opens those of its
 * copy, of any other those that are stored.
 */
export function weightBytes({ nodes, initializers }: Model): number {
  const weights = new Map(
    initializers.flatMap((tensor) => ("external" in tensor.source ? [[tensor.name, tensor] as const] : [])),
  );
  /** Bytes of each tensor, by name; a copy and the weight that it was made of are two. */
  const held = new Map<string, number>();
  for (const { opType, inputs, outputs } of nodes) {
    for (const name of inputs) {
      const weight = weights.get(name);
      if (!weight) continue;
      const { name: kept, dtype } = opType === "Cast" ? outputs[0]! : weight;
      held.set(kept, dataTypes[dtype].bytes * elementCount(weight.shape));
    }
  }
  return [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Returns the bytes in float32 of the weights that a session can map: those of that type, and those cast late. */
export function mappableBytes(model: Model, { castsLate }: { readonly castsLate: boolean }): number {
  const stored = model.initializers.filter(
    ({ source, dtype }) => "external" in source && dtype === "float32",
  );
  return [...stored, ...(castsLate ? lateWeights(model) : [])].reduce(
    (sum, { shape }) => sum + dataTypes.float32.bytes * elementCount(shape),
    0,
  );
}
