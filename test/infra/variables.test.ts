import type { Template } from "aws-cdk-lib/assertions";
import { describe, expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import { environmentOf } from "../../lib/shared/environment.ts";
import {
  type DeployedVariables,
  type Reader,
  VARIABLES,
  type Variable,
  type VariableOf,
} from "../../lib/shared/variables.ts";
import { ACCOUNT, templateOf } from "./deployment.ts";

const list = Object.entries<Variable>(VARIABLES);
const certificateArn = `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/0a`;
const options = {
  domainName: "videos.example.com",
  certificateArn,
  provenance: "required",
  provenanceSecret: "adareel/signer",
};
/** Templates of both backends, without settings and with those that set variables. */
const plain = [templateOf("gpu"), templateOf("gpu", { backend: "ecs" })];
const named = [templateOf("gpu", options), templateOf("gpu", { ...options, backend: "ecs" })];

/** Returns the names of the variables that one of the readers reads and one of the setters sets. */
function listed(readers: readonly Reader[], setters: Variable["setBy"]): string[] {
  const isOf = ({ readBy, setBy }: Variable) =>
    readBy.some((reader) => readers.includes(reader)) && setBy.some((setter) => setters.includes(setter));
  return list.flatMap(([name, variable]) => (isOf(variable) ? name : [])).sort();
}

/** Returns the variables that a template sets for a program, in a list; null if the program is not there. */
function setFor(template: Template, reader: Reader): [string[]] | null {
  if (reader === "gpu") return [setForWorker(template).sort()];
  const functions = Object.entries(template.findResources("AWS::Lambda::Function"));
  const [, lambda] = functions.find(([id]) => id.toLowerCase().startsWith(`${reader}function`)) ?? [];
  return lambda ? [Object.keys(lambda.Properties.Environment.Variables).sort()] : null;
}

function setForWorker(template: Template): string[] {
  const [model] = Object.values(template.findResources("AWS::SageMaker::Model"));
  if (model) return Object.keys(model.Properties.PrimaryContainer.Environment);
  const [task] = Object.values(template.findResources("AWS::ECS::TaskDefinition"));
  const [{ Environment: environment }] = task!.Properties.ContainerDefinitions;
  return environment.map(({ Name }: { readonly Name: string }) => Name);
}

describe("environment variables", () => {
  test.each<[Reader, readonly Reader[]]>([
    ["dispatch", ["dispatch"]],
    ["settle", ["settle"]],
    ["sweep", ["sweep"]],
    ["webhook", ["webhook"]],
    ["gpu", ["gpu", "sdk"]],
  ])("the templates set for %s what it reads and nothing else", (name, readers) => {
    const [least, ...others] = plain.flatMap((template) => setFor(template, name) ?? []);
    const always = least!.filter((variable) => others.every((other) => other.includes(variable)));
    expect(always).toEqual(listed(readers, ["deployment"]));
    const ever = new Set(named.flatMap((template) => setFor(template, name)?.flat() ?? []));
    expect([...ever].sort()).toEqual(listed(readers, ["deployment", "some deployments"]));
  });

  test("every variable of the list is described, read by somebody and set by somebody", () => {
    for (const [name, { what, readBy, setBy }] of list) {
      expect(name).toMatch(/^[A-Z][A-Z_]*$/);
      expect(what).not.toBe("");
      expect(Math.min(readBy.length, setBy.length)).toBeGreaterThan(0);
    }
  });

  test("a schema that lacks a variable of its program, or has one of another, does not compile", () => {
    const text = z.string();
    const shape = { STORE: text, WORK_QUEUE_URL: text, WEBHOOKS_QUEUE_URL: text, LOG_LEVEL: text };
    const schema = environmentOf("settle", shape);
    expectTypeOf(schema.shape).toEqualTypeOf<Record<VariableOf<"settle">, z.ZodString>>();
    // @ts-expect-error DEPLOYMENT is read by the sweep alone.
    environmentOf("settle", { ...shape, DEPLOYMENT: text });
    // @ts-expect-error The dispatch function also reads ENDPOINT_NAME.
    environmentOf("dispatch", shape);
  });

  test("a template that misspells a variable, or leaves one out, does not compile", () => {
    const places = { STORE: "", WORK_QUEUE_URL: "", WEBHOOKS_QUEUE_URL: "" };
    const settle: DeployedVariables<"settle"> = places;
    // @ts-expect-error MASTER_SECRET_ID is missing.
    const webhook: DeployedVariables<"webhook"> = places;
    // @ts-expect-error There is no ENDPOINT.
    const dispatch: DeployedVariables<"dispatch"> = { ...places, ENDPOINT_NAME: "", ENDPOINT: "" };
    expect([settle, webhook, dispatch]).toHaveLength(3);
  });
});
