/** @jsxImportSource hono/jsx */
import type { Control } from "../../../lib/generation/request/index.ts";
import { CacheFields } from "./cache-fields.tsx";
import { Field, named } from "./field.tsx";

interface RequestFieldProps {
  readonly control: Control & { readonly parameter: string };
  readonly charactersMax?: number;
  readonly isRequired?: boolean;
}

/**
 * Control of a request parameter. `browser/form.js` reads every control that has `data-reads`, as a string, a number or
 * a boolean.
 */
export function RequestField({ control, charactersMax, isRequired = false }: RequestFieldProps) {
  const { parameter, label, hint, kind } = control;
  const attributes = named(parameter);
  switch (kind.name) {
    case "text": {
      const text = { ...attributes, maxlength: kind.charactersMax ?? charactersMax, required: isRequired };
      return (
        <Field name={parameter} label={label} hint={hint}>
          {kind.lines > 1 ? (
            <textarea {...text} rows={kind.lines} data-reads="string" />
          ) : (
            <input {...text} type="text" data-reads="string" />
          )}
        </Field>
      );
    }
    case "number": {
      const { least, most, isWhole } = kind;
      const bounds = { min: least, max: most, step: isWhole ? "1" : "any" };
      return (
        <Field name={parameter} label={label} hint={hint}>
          <input
            {...attributes}
            {...bounds}
            type="number"
            inputmode={isWhole ? "numeric" : "decimal"}
            data-reads="number"
          />
        </Field>
      );
    }
    case "drawn number":
      return (
        <div class="wide-field">
          <Field name={parameter} label={label} hint={hint}>
            <div class="joined">
              <input {...attributes} type="number" min="0" step="1" inputmode="numeric" data-reads="number" />
              <button type="button" data-draws={parameter}>
                Random
              </button>
            </div>
          </Field>
        </div>
      );
    case "choice":
      return (
        <Field name={parameter} label={label} hint={hint}>
          <select
            {...attributes}
            data-reads={kind.unit ? "number" : "string"}
            data-of={kind.of}
            data-unit={kind.unit}
            data-per={kind.per}
          />
        </Field>
      );
    case "switch":
      return (
        <label class="check">
          <input {...attributes} type="checkbox" data-reads="boolean" /> {label}
        </label>
      );
    case "cache":
      return <CacheFields legend={label} />;
  }
}
