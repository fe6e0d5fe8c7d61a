/** Process that measures tasks beside the main one. Arguments: model folder, threads. */
import { openBench } from "./measure.ts";
import { type Task, taskRunner } from "./task.ts";

const [folder, threads] = process.argv.slice(2);
const bench = await openBench(folder!, Number(threads));
const run = taskRunner(bench);

process.on("message", (task: Task) => {
  run(task).then(
    (runs) => process.send!({ runs }),
    (error: Error) => process.send!({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit());
