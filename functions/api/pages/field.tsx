/** @jsxImportSource hono/jsx */
import type { PropsWithChildren } from "hono/jsx";

interface FieldProps {
  /** Name of the field in the API; an error is shown at the field that it names. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
}

/** Labelled control with a place for its error. */
export function Field({ name, label, hint, children }: PropsWithChildren<FieldProps>) {
  return (
    <div class="field">
      <label for={name}>
        {label} {hint && <small>{hint}</small>}
      </label>
      {children}
      <p class="error" id={`${name}-error`} hidden />
    </div>
  );
}

/** Returns the attributes that connect a control with its label and its error. */
export const named = (name: string) => ({ id: name, name, "aria-describedby": `${name}-error` });
