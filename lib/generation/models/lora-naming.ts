/** Names that LoRA files use for the layers of a family's transformers. */
export interface LoraNaming {
  /**
   * Returns the name that the model's authors gave a layer, by its name in diffusers' checkpoint; most LoRA files are
   * made with the authors' code or for it. A layer is named without `.weight` or `.bias`.
   */
  originalName(layer: string): string;
  /**
   * Matches layers, in any dialect, that some models of the family lack: a LoRA made for a model with an image branch
   * is of use without one.
   */
  readonly imageBranch?: RegExp;
}

/** Naming of a family whose authors' names are those of its checkpoint. */
export const ownNaming: LoraNaming = { originalName: (layer) => layer };
