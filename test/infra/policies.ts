import type { Template } from "aws-cdk-lib/assertions";

interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: object;
}

/**
 * Returns the permissions of the role under a path of constructs, as sorted lines of action, resource and
 * condition; what is denied begins with the word. Resources of other stacks are named like those of this stack.
 */
export function permissionsOf(template: Template, role: string): string[] {
  const policies = Object.values(template.findResources("AWS::IAM::Policy"));
  const own = policies.filter(({ Properties }) => names(Properties.Roles[0]).startsWith(role));
  const statements: Statement[] = own.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
  return statements
    .flatMap(({ Effect, Action, Resource, Condition }) =>
      [Action].flat().flatMap((action) =>
        [Resource].flat().map((resource) => {
          const line = `${Effect === "Allow" ? "" : "deny "}${action} ${names(resource)}`;
          return Condition ? `${line} if ${JSON.stringify(Condition)}` : line;
        }),
      ),
    )
    .sort();
}

/** Formats a reference to a resource as the resource's name without its hash; other values are serialised. */
export function names(value: unknown): string {
  if (typeof value === "string") return value;
  const [kind, target] = Object.entries(value as Record<string, string | string[]>)[0]!;
  if (kind === "Ref") return withoutHash(target as string);
  if (kind === "Fn::GetAtt") return withoutHash(target[0]!);
  const exported = /ExportsOutput(?:Ref|FnGetAtt)(\w+?[0-9A-F]{8})(?:Arn|QueueName)?[0-9A-F]{8}$/.exec(
    String(target),
  );
  if (kind === "Fn::ImportValue" && exported) return withoutHash(exported[1]!);
  return JSON.stringify(value);
}

function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, "");
}
