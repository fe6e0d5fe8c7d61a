import { pino } from "pino";
import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { logDestination } from "../../lib/shared/log-destination.ts";
import { parseConfig } from "./config.ts";
import { startService } from "./service.ts";

/** `npm start`: the service on this machine, until it is told to stop. */

async function main(): Promise<void> {
  // npm runs scripts in the package's folder and says where the user stood.
  const config = parseConfig(process.env, process.env.INIT_CWD ?? process.cwd());
  const log = pino({ level: config.logLevel, base: null }, logDestination(2));
  const service = await startService(config, log);
  let stoppingSince: number | null = null;
  const stop = () => {
    if (stoppingSince !== null) {
      // Asked twice: whatever is under way is not waited for, and begins anew at the next start.
      if (performance.now() - stoppingSince > REPEAT_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    log.info("stopping: a video under way has 25 seconds; a second signal ends it at once");
    service.stop().then(
      () => process.exit(0),
      (error: Error) => {
        log.error({ reason: error.message }, "not stopped in order");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  if (process.env.npm_lifecycle_event) {
    // A SIGTERM that npm passes on ends the shell in between, and this process only sees that one gone.
    const shell = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === shell) return;
      clearInterval(watch);
      if (stoppingSince === null) stop();
    }, REPEAT_MS);
  }
  process.stdout.write(greeting(service.url, service.firstKey));
}

/** npm passes on a Ctrl-C that the terminal has sent to this process too. */
const REPEAT_MS = 500;

function greeting(url: string, firstKey: string | null): string {
  const key = firstKey ?? "$ADAREEL_API_KEY";
  return [
    `Adareel listens on ${url}`,
    firstKey
      ? `API key, shown this once: ${firstKey}`
      : "API keys are those made before; npm run keys -- create makes another.",
    `Playground: ${url}/${firstKey ? `#key=${firstKey}` : ""}`,
    `Reference:  ${url}/docs`,
    "",
    `curl ${url}/v1/videos -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\`,
    `  -d '{"prompt": "a red circle moves fast to the left over blue stripes"}'`,
    "",
  ].join("\n");
}

/** One sentence on stderr; 2 for a configuration that has to be put otherwise, 1 for everything else. */
main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(error instanceof ConfigError || error instanceof CheckpointError ? 2 : 1);
});
