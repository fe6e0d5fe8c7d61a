/** Sentences about wrong input, made from the schema that refused it. The API and the command line share them. */
export { counted } from "./counted.ts";
export { type Examined, examined, type Fault, faultsOf, inOneSentence, type Subject } from "./fault.ts";
export { grouped } from "./grouped.ts";
export { listed, oneOf } from "./list.ts";
export { nearest } from "./nearest.ts";
export { nameOf } from "./place.ts";
export { cut, quoted } from "./quoted.ts";
export type { OtherNames } from "./unknown-field.ts";
export { type Wording, wordings } from "./wording.ts";
