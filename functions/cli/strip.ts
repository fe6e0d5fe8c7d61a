/**
 * Draws the schedule as one line, a character per denoising step: computed steps stand out of reused ones, and those
 * that ended a planned reuse early out of both.
 */
export function scheduleStrip(
  schedule: readonly { readonly computed: boolean; readonly early?: true }[],
  { unicode = true }: { unicode?: boolean } = {},
): string {
  const [computed, early, reused] = unicode ? ["█", "▓", "·"] : ["#", "!", "."];
  return schedule.map((step) => (step.computed ? (step.early ? early : computed) : reused)).join("");
}

/**
 * Tells whether a terminal with this environment shows characters beyond ASCII: it is not dumb and its locale says
 * UTF-8, or it is one of the Windows terminals that always do.
 */
export function supportsUnicode(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): boolean {
  if (env.TERM === "dumb") return false;
  if (platform === "win32") return Boolean(env.WT_SESSION || env.TERM_PROGRAM === "vscode");
  // POSIX: the first of these that is set and not empty decides.
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return /utf-?8/i.test(locale);
}
