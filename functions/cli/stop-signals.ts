const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Calls `stop` on each SIGINT (Ctrl-C) and SIGTERM; returns a function that removes the listeners. */
export function onStopSignals(stop: () => void): () => void {
  for (const name of SIGNALS) process.on(name, stop);
  return () => {
    for (const name of SIGNALS) process.off(name, stop);
  };
}
