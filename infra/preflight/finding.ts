/** Result of a check; the sentence says what to do if something is wrong. */
export interface Finding {
  /** State of the finding; `unknown` is no error. */
  readonly state: "ok" | "wrong" | "unknown";
  readonly sentence: string;
}

export function ok(sentence: string): Finding {
  return { state: "ok", sentence };
}

export function wrong(sentence: string): Finding {
  return { state: "wrong", sentence };
}

export function unknown(sentence: string): Finding {
  return { state: "unknown", sentence };
}

/** Formats a finding as a line of the report. */
export function printed(subject: string, { state, sentence }: Finding): string {
  return `${state.padEnd("unknown".length)}  ${subject}: ${sentence}\n`;
}
