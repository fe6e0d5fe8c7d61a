export { type AddedModel, addModel, recipeOf } from "./add-model.ts";
export { type Hub, type HubFile, type HubOptions, openHub, type Repository } from "./hub.ts";
export { HubError } from "./hub-error.ts";
