export { type AddedModel, addModel } from "./add-model.ts";
export { withFolder } from "./folder-repository.ts";
export { type Hub, type HubFile, type HubOptions, openHub, type Repository } from "./hub.ts";
export { HubError } from "./hub-error.ts";
export { recipeNames, recipeOf } from "./recipes.ts";
