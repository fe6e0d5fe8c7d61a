/**
 * Calls handlers with events, as Lambda does. The only argument is a JSON object of events by handler:
 * `{"sweep": {}, …}`.
 */
const events = JSON.parse(process.argv[2]!) as Record<string, unknown>;
for (const [name, event] of Object.entries(events)) {
  const { handler } = await import(new URL(`../../../functions/${name}/handler.ts`, import.meta.url).href);
  await handler(event);
}
