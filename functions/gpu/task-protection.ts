/** Promise of a platform not to take the machine away while a job runs. */
export interface TaskProtection {
  /**
   * Asks for the promise, and keeps it until it is released. Resolves to false if the platform refuses, because it is
   * about to take the machine away: then no turn may be taken.
   *
   * @throws Error if the platform does not answer
   */
  hold(): Promise<boolean>;
  /** Gives the promise back. It ends by itself if the platform does not answer. */
  release(): Promise<void>;
}
