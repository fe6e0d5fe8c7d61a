/** Process that measures tasks beside the main one. Arguments: model folder, threads, clock. */
import type { Clock } from "./clock.ts";
import { openBench } from "./measure.ts";
import { type Task, taskRunner } from "./task.ts";

const [folder, threads, clock] = process.argv.slice(2);
const bench = await openBench(folder!, { threads: Number(threads), clock: clock as Clock });
const run = taskRunner(bench);

process.on("message", (task: Task) => {
  run(task).then(
    (runs) => process.send!({ runs }),
    (error: Error) => process.send!({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit());
