/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import { LANGUAGES, type Language } from "../languages.ts";
import type { Programs as ProgramsOf } from "./programs.ts";

/** Text whose parts between backticks are shown as code, and whose `[words](#anchor)` are links. */
export function Text({ children }: { readonly children: string }) {
  const parts: Child[] = children
    .split("`")
    .map((part, index) => (index % 2 === 1 ? <code>{part}</code> : <Links>{part}</Links>));
  return <>{parts}</>;
}

function Links({ children }: { readonly children: string }) {
  const parts = children.split(/\[([^\]]+)\]\(([^)]+)\)/);
  return (
    <>
      {parts.map((part, index) => {
        if (index % 3 === 1) return <a href={parts[index + 1]}>{part}</a>;
        return index % 3 === 2 ? null : part;
      })}
    </>
  );
}

/** Paragraph of text with code and links. */
export function P({ children }: { readonly children: string }) {
  return (
    <p>
      <Text>{children}</Text>
    </p>
  );
}

const LANGUAGE_KEYS = Object.keys(LANGUAGES) as Language[];

/**
 * Programs that do the same, with buttons that choose the language of all programs of all pages. Without scripts all of
 * them are shown, one below the other.
 */
export function Programs({ programs, label }: { readonly programs: ProgramsOf; readonly label: string }) {
  const languages = LANGUAGE_KEYS.filter((key) => programs[key] !== undefined);
  return (
    <section class="programs" aria-label={label}>
      <div class="bar">
        <fieldset class="languages">
          <legend class="unseen">Language</legend>
          {languages.map((key) => (
            <button type="button" data-choose={key}>
              {LANGUAGES[key].label}
            </button>
          ))}
        </fieldset>
        <CopyButton name={label} />
      </div>
      {languages.map((key) => (
        <div class="program" data-language={key}>
          <p class="language">{LANGUAGES[key].label}</p>
          <Code>{programs[key]!}</Code>
        </div>
      ))}
    </section>
  );
}

/** Code or JSON with a title and a button that copies it. */
export function Sample({ title, children }: { readonly title: string; readonly children: Child }) {
  return (
    <section class="programs" aria-label={title}>
      <div class="bar">
        <span>{title}</span>
        <CopyButton name={title} />
      </div>
      <div class="program">
        <Code>{children}</Code>
      </div>
    </section>
  );
}

function CopyButton({ name }: { readonly name: string }) {
  return (
    <button type="button" class="copy" aria-label={`Copy: ${name}`}>
      Copy
    </button>
  );
}

/** Code that can be scrolled with the keyboard. */
export function Code({ children }: { readonly children: Child }) {
  return (
    <pre tabindex={0}>
      <code>{children}</code>
    </pre>
  );
}

/** Address of this server. The route fills it in, and the script corrects it behind a proxy. */
export function Address() {
  return <span data-address>{ADDRESS}</span>;
}

/** Stands for the address of this server in a page that is kept. */
export const ADDRESS = "https://adareel.invalid";

interface TableProps {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | Child)[])[];
}

/** Table whose texts may have code and links. It scrolls on narrow screens. */
export function Table({ head, rows }: TableProps) {
  return (
    <div class="table" tabindex={0}>
      <table>
        <thead>
          <tr>
            {head.map((title) => (
              <th scope="col">
                <Text>{title}</Text>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells) => (
            <tr>
              {cells.map((cell) => (
                <td>{typeof cell === "string" ? <Text>{cell}</Text> : cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
