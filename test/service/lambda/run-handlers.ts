/** Calls handlers, each with its event, as Lambda would: `{"sweep": {}, …}` is the only argument. */
const events = JSON.parse(process.argv[2]!) as Record<string, unknown>;
for (const [name, event] of Object.entries(events)) {
  const { handler } = await import(new URL(`../../../functions/${name}/handler.ts`, import.meta.url).href);
  await handler(event);
}
