/** @jsxImportSource hono/jsx */
import type { PropsWithChildren } from "hono/jsx";

export interface PageProps {
  readonly title: string;
  /** Path of this page in the navigation. */
  readonly path: "/" | "/docs" | "/verify";
  /** Names of the style sheets that the page loads from /assets/, besides those of every page. */
  readonly styles?: readonly string[];
  /** Names of the modules that the page loads from /assets/. */
  readonly scripts?: readonly string[];
  /** Name of a script that runs before the page is shown. */
  readonly early?: string;
}

const LINKS = [
  ["/", "Playground"],
  ["/docs", "API reference"],
  ["/openapi.json", "OpenAPI"],
] as const;

/** Frame of every page: head, navigation and main element. */
export function Page({
  title,
  path,
  scripts = [],
  styles = [],
  early,
  children,
}: PropsWithChildren<PageProps>) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        {["common.css", "style.css", ...styles].map((style) => (
          <link rel="stylesheet" href={`/assets/${style}`} />
        ))}
        {early && <script src={`/assets/${early}`} />}
        {scripts.map((script) => (
          <script type="module" src={`/assets/${script}`} />
        ))}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header class="top">
          <a class="brand" href="/">
            <img src="/assets/icon.svg" alt="" width="28" height="28" />
            Adareel
          </a>
          <nav aria-label="Pages">
            {LINKS.map(([href, name]) => (
              <a href={href} aria-current={href === path ? "page" : undefined}>
                {name}
              </a>
            ))}
          </nav>
        </header>
        <main id="main">{children}</main>
      </body>
    </html>
  );
}
