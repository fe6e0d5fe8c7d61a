export { isModelName, type ModelCard, modelPrefix, readModelCard, writeModelCard } from "./model-card.ts";
