import type { Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";

/**
 * Formats a template for comparison: a paragraph for each resource, a line for each property. Hashes of
 * assets, and names made from them, are replaced.
 */
export function listingOf(stack: Stack): string {
  const { Resources = {}, Outputs = {} } = Template.fromStack(stack).toJSON();
  const resources = Object.entries<Record<string, unknown>>(Resources).map(([id, resource]) => {
    const { Type, Properties = {}, Metadata: _metadata, ...rest } = resource;
    return [`${stack.stackName} ${id} ${Type}`, ...linesOf(rest), ...linesOf(Properties as object)].join(
      "\n",
    );
  });
  const outputs = [`${stack.stackName} outputs`, ...linesOf(Outputs)].join("\n");
  return withoutHashes([...resources, outputs].join("\n\n"));
}

function linesOf(properties: object): string[] {
  return Object.entries(properties).map(([name, value]) => `  ${name} ${JSON.stringify(value)}`);
}

function withoutHashes(text: string): string {
  return text
    .replaceAll(/(CurrentVersion)[0-9A-F]{8}[0-9a-f]{32}/g, "$1<version>")
    .replaceAll(/[0-9a-f]{64}|[0-9a-f]{32}/g, "<asset>")
    .replaceAll(/-[0-9a-f]{10}(?![0-9a-z-])/g, "-<endpoint>");
}
