import { resolve } from "node:path";
import { command, type OptionValues, UsageError } from "../../lib/shared/command-line/index.ts";

export const NAME = "npm run smoke --";

export const SMOKE = command({
  text: "makes one video with a running service, from the request to the file, and says how long it took",
  positionals: [],
  options: {
    prompt: {
      value: "TEXT",
      text: "prompt of the video",
      default: "a red circle moves fast to the left over blue stripes",
    },
    out: { value: "FILE", text: "file that the video is written to", default: "out/smoke.mp4" },
    minutes: { value: "N", text: "minutes to wait for the video", default: "30", read: minutes },
  },
  example: "--minutes 60",
  notes:
    "ADAREEL_URL is the address of the service, and ADAREEL_API_KEY a key of it, both in the environment.",
});

export interface SmokeOptions {
  readonly url: string;
  readonly key: string;
  readonly prompt: string;
  readonly out: string;
  readonly minutes: number;
  /** Seconds between two looks at the video. */
  readonly pollSeconds: number;
}

const POLL_SECONDS = 5;

/** @throws UsageError if the environment lacks the address or the key */
export function openSmoke(values: OptionValues<typeof SMOKE.options>, env: NodeJS.ProcessEnv): SmokeOptions {
  const { ADAREEL_URL: url, ADAREEL_API_KEY: key } = env;
  if (!url || !/^https?:\/\/[^/]/.test(url))
    throw new UsageError(
      "ADAREEL_URL must be the address of the service, which npm start prints, and cdk deploy as ApiUrl.",
    );
  if (!key)
    throw new UsageError("ADAREEL_API_KEY must be a key of the service: npm run keys -- create makes one.");
  // npm runs scripts in the package's folder; INIT_CWD is the folder of the user.
  const out = resolve(env.INIT_CWD ?? process.cwd(), values.out);
  return { url: url.replace(/\/+$/, ""), key, ...values, out, pollSeconds: POLL_SECONDS };
}

function minutes(text: string, flag: string): number {
  const value = Number(text);
  if (/^\d{1,4}$/.test(text) && value >= 1) return value;
  throw new UsageError(
    `${flag} must be a whole number of minutes from 1 to 9999, got ${JSON.stringify(text)}.`,
  );
}
