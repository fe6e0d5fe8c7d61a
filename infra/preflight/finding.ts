/**
 * State of a check: `wrong` must be repaired, `to do` is a step of the deployment that was not taken yet, and `unknown`
 * could not be checked, which is no error.
 */
export type State = "ok" | "wrong" | "to do" | "unknown";

/** Reason why a check could not be made. Checks with the same reason are reported together. */
export type Obstacle =
  | { readonly kind: "login" }
  | { readonly kind: "permission"; readonly permission: string }
  | { readonly kind: "silence"; readonly code: string };

/** Result of a check. */
export interface Finding {
  readonly state: State;
  /** Sentence of what was found, with the remedy as its end. */
  readonly sentence: string;
  /** Remedy, or null if there is nothing to do. */
  readonly remedy: string | null;
  readonly obstacle: Obstacle | null;
}

export function ok(sentence: string): Finding {
  return { state: "ok", sentence, remedy: null, obstacle: null };
}

/** Returns the finding of a fault, with the remedy as the end of its sentence. */
export function wrong(fault: string, remedy: string): Finding {
  return { state: "wrong", sentence: `${fault}: ${remedy}`, remedy, obstacle: null };
}

/** Returns the finding of a step that is still to come. */
export function toDo(what: string, remedy: string): Finding {
  return { state: "to do", sentence: `${what}: ${remedy}`, remedy, obstacle: null };
}

export function unknown(sentence: string): Finding {
  return { state: "unknown", sentence, remedy: null, obstacle: null };
}

/** Returns the finding of a check that could not be made. */
export function notMade(obstacle: Obstacle): Finding {
  return { state: "unknown", sentence: sentenceOf(obstacle), remedy: null, obstacle };
}

function sentenceOf(obstacle: Obstacle): string {
  switch (obstacle.kind) {
    case "login":
      return "It is not checked without valid credentials.";
    case "permission":
      return `The credentials lack a permission: allow ${obstacle.permission}.`;
    case "silence":
      return `AWS does not answer (${obstacle.code}): ${TRY_AGAIN}.`;
  }
}

export const TRY_AGAIN = "check the network and the region, and try again";
