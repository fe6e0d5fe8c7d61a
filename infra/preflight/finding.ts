/** What a check found; the sentence says what to do where there is something to do. */
export interface Finding {
  /** `unknown` keeps nobody from deploying. */
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

/** As it stands on a line of its own. */
export function printed(subject: string, { state, sentence }: Finding): string {
  return `${state.padEnd("unknown".length)}  ${subject}: ${sentence}\n`;
}
