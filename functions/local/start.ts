import { pino } from "pino";
import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { logDestination } from "../../lib/shared/log-destination.ts";
import { parseConfig } from "./config.ts";
import { startService } from "./service.ts";

/* Entry point of `npm start`: runs the service on this machine until a signal stops it. */

async function main(): Promise<void> {
  // npm runs scripts in the package's folder, and passes the user's folder in INIT_CWD.
  const config = parseConfig(process.env, process.env.INIT_CWD ?? process.cwd());
  const log = pino({ level: config.logLevel, base: null }, logDestination(2));
  const service = await startService(config, log);
  let stoppingSince: number | null = null;
  const stop = () => {
    if (stoppingSince !== null) {
      // A second signal ends the process at once. Jobs under way begin anew at the next start.
      if (performance.now() - stoppingSince > REPEAT_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    log.info("stopping: a video under way has 25 seconds; a second signal ends it at once");
    service.stop().then(
      () => process.exit(0),
      (error: Error) => {
        log.error({ reason: error.message }, "the service failed to stop in order");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  if (process.env.npm_lifecycle_event) {
    // npm passes a SIGTERM only to the shell in between. This process notices that its parent has changed.
    const shell = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === shell) return;
      clearInterval(watch);
      if (stoppingSince === null) stop();
    }, REPEAT_MS);
  }
  process.stdout.write(greeting(service.url, service.firstKey));
}

/** Time in which a repeated signal is ignored, because npm passes on a Ctrl-C that this process has received itself. */
const REPEAT_MS = 500;

function greeting(url: string, firstKey: string | null): string {
  const key = firstKey ?? "$ADAREEL_API_KEY";
  return [
    `Adareel listens on ${url}`,
    firstKey
      ? `API key, shown this once: ${firstKey}`
      : "The API keys are those made earlier; npm run keys -- create makes another.",
    `Playground: ${url}/${firstKey ? `#key=${firstKey}` : ""}`,
    `Reference:  ${url}/docs`,
    "",
    `curl ${url}/v1/videos -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\`,
    `  -d '{"prompt": "a red circle moves fast to the left over blue stripes"}'`,
    "",
  ].join("\n");
}

/* An error is printed as one sentence. The exit code is 2 for an error in the configuration or a model, otherwise 1. */
main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(error instanceof ConfigError || error instanceof CheckpointError ? 2 : 1);
});
