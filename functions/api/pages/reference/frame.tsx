/** @jsxImportSource hono/jsx */
import { Page } from "../layout.tsx";
import type { ReferencePage } from "./page.ts";
import { Text } from "./parts.tsx";

interface FrameProps {
  readonly page: ReferencePage;
  readonly pages: readonly ReferencePage[];
}

/** Renders a page of the reference with the contents beside it. It can be read without scripts. */
export function ReferenceFrame({ page, pages }: FrameProps) {
  const next = pages[pages.indexOf(page) + 1];
  const title = page.path === "/docs" ? "Adareel API reference" : `${page.title} · Adareel API reference`;
  return (
    <Page
      title={title}
      path="/docs"
      styles={["reference.css"]}
      early="language.js"
      scripts={["reference.js"]}
    >
      <div class="reference">
        <Contents page={page} pages={pages} />
        <article>
          <h1>{page.title}</h1>
          <p class="lead">{page.lead}</p>
          {page.sections.map(({ id, title, kind, content }) => (
            <section class={`part ${kind}-part`} aria-labelledby={id}>
              <h2 id={id} tabindex={-1}>
                <a href={`#${id}`}>{kind === "error" ? <code>{title}</code> : title}</a>
              </h2>
              {content}
            </section>
          ))}
          {next && (
            <p class="next">
              Next: <a href={next.path}>{next.title}</a>
            </p>
          )}
        </article>
      </div>
    </Page>
  );
}

function Contents({ page, pages }: FrameProps) {
  return (
    <nav class="contents" aria-label="Contents">
      <div class="search">
        <label class="unseen" for="search">
          Search the reference
        </label>
        <input
          id="search"
          type="search"
          placeholder="Search"
          autocomplete="off"
          spellcheck={false}
          role="combobox"
          aria-expanded="false"
          aria-controls="found"
          aria-autocomplete="list"
        />
        <div id="found" role="listbox" aria-label="Found" hidden />
        <p class="unseen" id="announcer" role="status" />
      </div>
      <details id="contents" open>
        <summary>Contents</summary>
        <ul>
          {pages.map((each) => (
            <li>
              <a href={each.path} aria-current={each === page ? "page" : undefined}>
                {each.path === "/docs" ? "Start" : each.title}
              </a>
              {each === page && <Sections sections={each.sections} />}
            </li>
          ))}
        </ul>
      </details>
    </nav>
  );
}

function Sections({ sections }: Pick<ReferencePage, "sections">) {
  return (
    <ul>
      {sections.map(({ id, title, kind }) => (
        <li class={`${kind}-entry`}>
          <a href={`#${id}`}>
            <Text>{kind === "error" ? `\`${title}\`` : title}</Text>
          </a>
        </li>
      ))}
    </ul>
  );
}
