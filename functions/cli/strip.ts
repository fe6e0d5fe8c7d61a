/**
 * Draws the schedule as one line with a character per denoising step. Computed steps, computed steps that ended a
 * planned reuse early, and reused steps have different characters.
 */
export function scheduleStrip(
  schedule: readonly { readonly computed: boolean; readonly early?: true }[],
  { unicode = true }: { unicode?: boolean } = {},
): string {
  const [computed, early, reused] = unicode ? ["█", "▓", "·"] : ["#", "!", "."];
  return schedule.map((step) => (step.computed ? (step.early ? early : computed) : reused)).join("");
}

/**
 * Returns true if a terminal with this environment shows characters beyond ASCII: it is not dumb and its locale is
 * UTF-8, or it is a Windows terminal that always does.
 */
export function supportsUnicode(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): boolean {
  if (env.TERM === "dumb") return false;
  if (platform === "win32") return Boolean(env.WT_SESSION || env.TERM_PROGRAM === "vscode");
  // In POSIX, the first of these that is set and not empty decides.
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return /utf-?8/i.test(locale);
}
