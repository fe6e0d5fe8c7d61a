import { totalmem } from "node:os";
import { type Graph, MAPPED_BYTES_MIN, usesMachineMemory } from "../../onnx/index.ts";
import type { PipelineOptions } from "./parts.ts";
import { largest, type PartMemory, type ResidentPart, usableShare } from "./residency.ts";

/**
 * Returns the memory of a part with sessions on these graphs. Sessions keep the memory of their activations until they
 * are released. On the CPU large weights are mapped from their file, and the system takes them back for other parts; a
 * text encoder reads them once, so that they need not all be there at a time.
 *
 * @param options.inTurn true if each session is released before the next opens; false by default
 */
export function partMemory(
  part: ResidentPart,
  graphs: readonly Graph[],
  { inTurn = false }: { readonly inTurn?: boolean } = {},
): PartMemory {
  if (inTurn)
    return largest(graphs.map((graph) => partMemory(part, [graph])) as [PartMemory, ...PartMemory[]]);
  let [heldBytes, mappedBytes] = [0, 0];
  for (const graph of graphs) {
    heldBytes += graph.activationBytes;
    if (!isMapped(graph)) heldBytes += graph.heldWeightBytes;
    else if (part !== "text_encoder") mappedBytes = Math.max(mappedBytes, graph.heldWeightBytes);
  }
  return { part, heldBytes, mappedBytes };
}

function isMapped(graph: Graph): boolean {
  return usesMachineMemory(graph.provider) && graph.weightBytes >= MAPPED_BYTES_MIN;
}

/** Returns the bytes of memory that parts may fill on the device; null where its memory is not known. */
export function usableBytes({
  provider,
  memoryBytes,
}: Pick<PipelineOptions, "provider" | "memoryBytes">): number | null {
  const bytes = memoryBytes ?? (usesMachineMemory(provider) ? machineMemory() : null);
  return bytes === null ? null : bytes * usableShare;
}

/** Returns the bytes of memory of the machine, or of the container that limits this process. */
function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
