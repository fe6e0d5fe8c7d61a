import { pino } from "pino";
import { ConfigError, parseConfig } from "./config.ts";
import { startService } from "./service.ts";

/** `npm start`: the service on this machine, until it is told to stop. */

async function main(): Promise<void> {
  // npm runs scripts in the package's folder and says where the user stood.
  const config = parseConfig(process.env, process.env.INIT_CWD ?? process.cwd());
  const log = pino({ level: config.logLevel, base: null }, pino.destination(2));
  const service = await startService(config, log);
  process.stdout.write(greeting(service.url, service.firstKey));
  let isStopping = false;
  const stop = () => {
    // Asked twice: whatever is under way is not waited for, and begins anew at the next start.
    if (isStopping) process.exit(1);
    isStopping = true;
    service.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

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
  process.exit(error instanceof ConfigError ? 2 : 1);
});
