/**
 * Seconds from the decision to start an instance until it takes jobs, as public reports of asynchronous endpoints at
 * zero have it: 643 s with 13 GB on an ml.g5.2xlarge, 5 to 8 minutes in others. Nobody has measured it here.
 */
export const COLD_START_SECONDS = { least: 300, usual: 480, most: 660 } as const;
