export { cleanCaption, tidyCaption } from "./caption.ts";
