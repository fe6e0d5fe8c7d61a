import type { Graph } from "./graph.ts";
import { encodeModel, type Model, type Node, type TypedName } from "./model-proto.ts";
import { openSession, SessionError, type SessionOptions } from "./session.ts";

/**
 * Returns the first operator of a graph for which its provider has no kernel, with the path of its node; null if none
 * is found. onnxruntime does not say which it is, so each kind of node is opened as a model of its own.
 */
export async function unsupportedOperator(
  { model, provider }: Pick<Graph, "model" | "provider">,
  options: SessionOptions,
): Promise<string | null> {
  for (const { node, alone } of singleNodes(model)) {
    try {
      const session = await openSession(encodeModel(alone), { ...options, provider });
      await session.release();
    } catch (error) {
      const isMissing = error instanceof SessionError && error.fault === "no_kernel";
      if (isMissing) return `${node.opType} (${node.name})`;
    }
  }
  return null;
}

/** Returns a model for each kind of node that runs: one for all that differ in shapes and values alone. */
function* singleNodes({ nodes, inputs, initializers }: Model): Generator<{ node: Node; alone: Model }> {
  const stored = new Map(initializers.map((tensor) => [tensor.name, tensor]));
  const types = new Map<string, TypedName>([...inputs, ...initializers].map((value) => [value.name, value]));
  const fixed = new Set(stored.keys());
  const seen = new Set<string>();
  for (const node of nodes) {
    for (const output of node.outputs) types.set(output.name, output);
    const names = [...new Set(node.inputs.filter((name) => name !== ""))];
    if (names.every((name) => fixed.has(name))) {
      // The session computes it once, on the CPU, when it opens.
      for (const output of node.outputs) fixed.add(output.name);
      continue;
    }
    const kind = [node.opType, ...names.map((name) => types.get(name)!.dtype), node.outputs[0]!.dtype].join();
    if (seen.has(kind)) continue;
    seen.add(kind);
    const constants = names.flatMap((name) => {
      const tensor = stored.get(name);
      return tensor && "raw" in tensor.source ? [tensor] : [];
    });
    const given = names.filter((name) => !constants.some((tensor) => tensor.name === name));
    yield {
      node,
      alone: {
        nodes: [node],
        inputs: given.map((name) => types.get(name)!),
        outputs: node.outputs,
        initializers: constants,
      },
    };
  }
}
