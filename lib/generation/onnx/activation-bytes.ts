import type { Model, Node, TypedName } from "./model-proto.ts";
import { elementCount } from "./shape.ts";
import { dataTypes } from "./types.ts";

/** Operators whose output shares the memory of the first input; only the shape or the name differs. */
const views = new Set(["Reshape", "Identity"]);

/**
 * Returns the peak bytes of activations: nodes run in order, and a tensor is freed after its last use.
 *
 * @param options.holdsScores true where `Attention` holds the scores of all heads while it runs
 */
export function activationBytes(
  { nodes, inputs, outputs, initializers }: Model,
  { holdsScores }: { readonly holdsScores: boolean },
): number {
  const stored = new Set(initializers.map(({ name }) => name));
  const fixed = new Set(stored);
  const types = new Map<string, TypedName>(inputs.map((input) => [input.name, input]));
  const owners = new Map<string, string>();
  const ownerOf = (name: string) => owners.get(name) ?? name;
  const lastUses = new Map<string, number>();
  for (const [index, node] of nodes.entries()) {
    // The session computes nodes whose inputs are all constants or weights once, when it opens.
    const isFixed = node.inputs.length > 0 && node.inputs.every((name) => name === "" || fixed.has(name));
    for (const output of node.outputs) {
      types.set(output.name, output);
      if (isFixed) fixed.add(output.name);
      else if (views.has(node.opType)) owners.set(output.name, ownerOf(node.inputs[0]!));
    }
    for (const name of node.inputs) lastUses.set(ownerOf(name), index);
  }
  for (const { name } of outputs) lastUses.set(ownerOf(name), nodes.length);

  const isHeld = (name: string) =>
    types.has(name) && !fixed.has(name) && !stored.has(name) && ownerOf(name) === name;
  let held = inputs.reduce((sum, input) => sum + bytesOf(input), 0);
  let most = held;
  for (const [index, node] of nodes.entries()) {
    for (const output of node.outputs) if (isHeld(output.name)) held += bytesOf(output);
    most = Math.max(most, held + (holdsScores ? scoreBytes(node, types) : 0));
    for (const name of new Set([...node.inputs, ...node.outputs.map((output) => output.name)].map(ownerOf))) {
      if (isHeld(name) && (lastUses.get(name) ?? index) === index) held -= bytesOf(types.get(name)!);
    }
  }
  return most;
}

/** Bytes of the attention scores of all heads; 0 for other nodes. */
function scoreBytes({ opType, attributes, inputs }: Node, types: ReadonlyMap<string, TypedName>): number {
  if (opType !== "Attention") return 0;
  const [queries, keys] = [types.get(inputs[0]!), types.get(inputs[1]!)];
  const heads = attributes.q_num_heads;
  if (!queries || !keys || !heads || !("int" in heads)) return 0;
  return 4 * queries.shape[0]! * heads.int * queries.shape[1]! * keys.shape[1]!;
}

function bytesOf({ dtype, shape }: TypedName): number {
  return elementCount(shape) * dataTypes[dtype].bytes;
}
