import type { Checkpoint } from "../../checkpoint/index.ts";
import type { FolderDescription } from "./description.ts";

/** A part with weights, by its name in the folder. */
export interface NamedCheckpoint {
  readonly name: string;
  readonly checkpoint: Pick<Checkpoint, "variant">;
}

/**
 * Returns what a user should know of a folder, one sentence each: a published model whose limits stand in for its own,
 * and weights of a variant that nobody asked for.
 */
export function folderNotes(
  { assumed }: Pick<FolderDescription, "assumed">,
  parts: readonly NamedCheckpoint[],
  variant: string | undefined,
): string[] {
  const model =
    assumed === null
      ? []
      : [
          `The folder holds none of the published models: sizes, lengths and defaults are those of ${assumed}. A member ` +
            "video of model_index.json can state others.",
        ];
  const others = new Set(
    parts.flatMap(({ checkpoint }) =>
      checkpoint.variant === null || checkpoint.variant === variant ? [] : [checkpoint.variant],
    ),
  );
  const variants = [...others].map((other) => {
    const names = parts.filter(({ checkpoint }) => checkpoint.variant === other).map(({ name }) => name);
    return `The variant ${other} is used of ${names.join(", ")}, since there is no other.`;
  });
  return [...model, ...variants];
}
