import { assertComputes, Graph, neg, openSession, type Provider } from "../onnx/index.ts";

/**
 * Runs a minimal model on the given provider, and checks its operators where that is needed. It is a separate process,
 * so that the GPU is freed afterwards.
 */
async function main(provider: Provider): Promise<void> {
  const graph = new Graph({ provider });
  graph.output("y", neg(graph.input("x", "float32", [1])));
  const session = await openSession(graph.build(), { provider, threads: 1 });
  await session.run({ x: { dtype: "float32", shape: [1], data: Float32Array.of(1) } });
  await session.release();
  await assertComputes(provider);
}

main(process.argv[2] as Provider).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
