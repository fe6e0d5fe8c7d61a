import { pino } from "pino";
import { logDestination } from "../../../lib/shared/log-destination.ts";
import { answerEvents } from "./answer-events.ts";
import { bundledConfig } from "./edge-config.ts";
import { openApp } from "./open-app.ts";

const config = bundledConfig();
const log = pino({ base: null }, logDestination(1));

/** Entry point that Lambda@Edge calls for each request. */
export const handler = answerEvents({
  open: (hosts) => openApp(config, hosts, log),
  domain: config.domain,
  log,
});
