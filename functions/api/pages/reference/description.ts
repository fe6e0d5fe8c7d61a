import type { openApiDocument } from "../../openapi/document.ts";
import type { Examples } from "../../openapi/examples/example.ts";
import type { JsonSchema } from "../json-schema.ts";

export interface Content {
  readonly schema: JsonSchema;
  readonly examples?: Examples;
}

export interface OperationObject {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly unknown[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: { readonly content: { readonly "application/json": Content } };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Content>> }>
  >;
}

interface Document {
  readonly info: { readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** Operation with its method and path. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
}

/** OpenAPI document as the reference reads it. */
export interface Description {
  readonly version: string;
  readonly routes: readonly Route[];
  readonly schemas: Readonly<Record<string, JsonSchema>>;
}

export function describeApi(openApi: ReturnType<typeof openApiDocument>): Description {
  const { info, paths, components } = openApi as unknown as Document;
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Route => ({ method, path, operation })),
  );
  return { version: info.version, routes, schemas: components.schemas };
}
