/**
 * Seconds from the decision to start a task until it takes jobs. A public report of GPU tasks on Managed Instances
 * has an instance after 42 s, and warm tasks after 165 to 197 s with a small model and 527 to 586 s with a large one.
 * Nobody has measured it here.
 */
export const COLD_START_SECONDS = { least: 165, usual: 300, most: 590 } as const;
