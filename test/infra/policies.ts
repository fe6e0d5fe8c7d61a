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

interface PolicyDocument {
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Action: string;
    readonly Principal: "*" | Readonly<Record<string, string | readonly string[]>>;
    readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  }[];
}

/**
 * Returns who may do what by a policy of a resource or a role, or may not do it, as lines of principal, action and
 * conditions.
 */
export function statementLines({ Statement }: PolicyDocument, effect: "Allow" | "Deny"): string[] {
  return Statement.filter(({ Effect }) => Effect === effect).flatMap(
    ({ Action, Principal, Condition = {} }) => {
      const principals = Principal === "*" ? ["*"] : Object.values(Principal).flat();
      const conditions = Object.values(Condition)
        .flatMap((operator) => Object.entries(operator))
        .map(([key, value]) => `${key}=${typeof value === "object" ? names(value) : value}`);
      const when = conditions.length > 0 ? ` if ${conditions.sort().join(" ")}` : "";
      return principals.map((principal) => `${principal} ${Action}${when}`);
    },
  );
}

/** Returns the resources of a template with their names, which are their logical ids without the hashes. */
export function namedResources(template: Template): {
  readonly name: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the properties of each type are others.
  readonly properties: any;
}[] {
  const resources: Record<string, { Type: string; Properties?: object }> = template.toJSON().Resources;
  return Object.entries(resources).map(([id, { Type: type, Properties: properties = {} }]) => ({
    name: withoutHash(id),
    type,
    properties,
  }));
}
