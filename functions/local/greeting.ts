import type { Service } from "./service.ts";

/** Returns what a start prints: the addresses of the service, and lines to paste into another terminal. */
export function greeting({
  url,
  firstKey,
  sessionKey,
}: Pick<Service, "url" | "firstKey" | "sessionKey">): string {
  const key = firstKey ?? sessionKey;
  return [
    `Adareel listens on ${url}`,
    `Playground: ${url}/${sessionKey === null ? "" : `#key=${sessionKey}`}`,
    `Reference:  ${url}/docs`,
    "",
    "Paste this into another terminal:",
    `export ADAREEL_URL=${url}`,
    key === null ? "export ADAREEL_API_KEY=adr_..." : `export ADAREEL_API_KEY=${key}`,
    `curl $ADAREEL_URL/v1/videos -H "Authorization: Bearer $ADAREEL_API_KEY" -H "Content-Type: application/json" \\`,
    `  -d '{"prompt": "a red circle moves fast to the left over blue stripes"}'`,
    "",
    ...notes(firstKey, sessionKey),
    "",
  ].join("\n");
}

/** Says how long the printed keys are valid. */
function notes(firstKey: string | null, sessionKey: string | null): string[] {
  const end = "the service stops (Ctrl-C)";
  if (firstKey !== null) {
    const stays = "This API key stays valid and is not shown again";
    return [sessionKey === null ? `${stays}.` : `${stays}; the playground's link works until ${end}.`];
  }
  const another = "npm run keys -- create makes one that stays valid";
  if (sessionKey !== null) return [`Link and API key work until ${end}; ${another}.`];
  return ["The API key is one that was made earlier; npm run keys -- create makes another."];
}
