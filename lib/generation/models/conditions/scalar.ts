import type { Graph, Tensor, Value } from "../../onnx/index.ts";
import { SINUSOID_WIDTH, scalarSinusoid } from "../embeddings.ts";
import type { Condition } from "./condition.ts";

/** Number that a transformer is given as a sinusoid. */
export interface ScalarCondition extends Condition {
  /** Declares the graph input [1, width]. */
  input(graph: Graph): Value;
}

/** Returns the condition of the timestep of a denoising step; the graph input is `timestep`. */
export function timestepCondition(width = SINUSOID_WIDTH, table = scalarSinusoid): ScalarCondition {
  return {
    input: (graph) => graph.input("timestep", "float32", [1, width]),
    stepFeeds: (timestep) => ({ timestep: sinusoid(timestep, width, table) }),
  };
}

/** Returns the condition of the frame rate of the decoded video; the graph input is `fps`. */
export function fpsCondition(fps: number): ScalarCondition {
  return {
    input: (graph) => graph.input("fps", "float32", [1, SINUSOID_WIDTH]),
    generationFeeds: () => ({ fps: sinusoid(fps, SINUSOID_WIDTH) }),
  };
}

function sinusoid(value: number, width: number, table = scalarSinusoid): Tensor {
  return { dtype: "float32", shape: [1, width], data: table(value, width) };
}
