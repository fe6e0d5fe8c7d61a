import type { Template } from "aws-cdk-lib/assertions";

interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: object;
}

/**
 * Everything that the role under a path of constructs may do, as lines of action, resource and condition; sorted. A
 * resource of another stack is named as one of this stack is.
 */
export function permissionsOf(template: Template, role: string): string[] {
  const policies = Object.values(template.findResources("AWS::IAM::Policy"));
  const own = policies.filter(({ Properties }) => names(Properties.Roles[0]).startsWith(role));
  const statements: Statement[] = own.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
  return statements
    .flatMap(({ Action, Resource, Condition }) =>
      [Action].flat().flatMap((action) =>
        [Resource].flat().map((resource) => {
          const line = `${action} ${names(resource)}`;
          return Condition ? `${line} if ${JSON.stringify(Condition)}` : line;
        }),
      ),
    )
    .sort();
}

/** A reference to a resource by the resource's name without its hash, and whatever else as it is. */
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
