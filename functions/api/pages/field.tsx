/** @jsxImportSource hono/jsx */
import type { PropsWithChildren } from "hono/jsx";

interface FieldProps {
  /** Name in the API, by which an error finds its field. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
}

/** A labelled control with a place for its error. */
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

/** Attributes of the control of a field. */
export const named = (name: string) => ({ id: name, name, "aria-describedby": `${name}-error` });
