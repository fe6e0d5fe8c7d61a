/** Name by which files say that this program made them. */
export const TOOL = "Adareel";
