/** @jsxImportSource hono/jsx */
import { boundsOf, type Field, type JsonSchema, referenceIn, typeOf, valuesOf } from "../json-schema.ts";
import { Text } from "./parts.tsx";

interface FieldsProps {
  readonly fields: readonly Field[];
  /** Beginning of the ids of the fields: the operation or object that they belong to. */
  readonly of: string;
  readonly showsRequired?: boolean;
  /** Returns the address of an object. */
  readonly objectUrl: (name: string) => string;
}

/** List of the members of an object, with type, meaning, bounds and default of each. */
export function Fields({ fields, of, showsRequired = true, objectUrl }: FieldsProps) {
  return (
    <ul class="members">
      {fields.map(({ name, isRequired, schema, fields: inner }) => (
        <li id={`${of}.${name}`}>
          <a class="name" href={`#${of}.${name}`}>
            <code>{name}</code>
          </a>{" "}
          <Type schema={schema} objectUrl={objectUrl} /> {showsRequired && isRequired && <em>required</em>}
          <Meaning schema={schema} />
          {inner.length > 0 && (
            <details>
              <summary>
                {inner.length} {inner.length === 1 ? "member" : "members"} of {name}
              </summary>
              <Fields
                fields={inner}
                of={`${of}.${name}`}
                showsRequired={showsRequired}
                objectUrl={objectUrl}
              />
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Type of a value in words, as a link if it is an object of the reference. */
export function Type({ schema, objectUrl }: { schema: JsonSchema } & Pick<FieldsProps, "objectUrl">) {
  const component = referenceIn(schema);
  return (
    <span class="type">
      {component ? <a href={objectUrl(component)}>{typeOf(schema)}</a> : typeOf(schema)}
    </span>
  );
}

function Meaning({ schema }: { readonly schema: JsonSchema }) {
  const [bounds, values] = [boundsOf(schema), valuesOf(schema)];
  const { description, default: usual } = schema;
  if (!description && bounds.length + values.length === 0 && usual === undefined) return null;
  return (
    <p>
      {description && <Text>{`${description} `}</Text>}
      <span class="faint">
        {values.length > 0 && (
          <Text>{`${values.length > 1 ? "One of" : "Always"} ${values.map(code).join(", ")}. `}</Text>
        )}
        {bounds.length > 0 && `${sentence(bounds.join("; "))} `}
        {usual !== undefined && <Text>{`Default ${code(JSON.stringify(usual))}.`}</Text>}
      </span>
    </p>
  );
}

const code = (text: string) => `\`${text}\``;

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
