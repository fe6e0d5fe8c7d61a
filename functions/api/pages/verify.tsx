/** @jsxImportSource hono/jsx */
import { Page } from "./layout.tsx";

/** Renders the page that checks a video. The browser sends the file to this service, which keeps nothing of it. */
export function verifyPage({ bytesMax }: { readonly bytesMax: number }) {
  return (
    <Page
      title="Verify a video"
      path="/verify"
      styles={["playground.css", "verify.css"]}
      scripts={["verify.js"]}
    >
      <noscript>
        <p class="notice">
          This page needs JavaScript; <code>npm run verify -- FILE</code> says the same.
        </p>
      </noscript>
      <output class="unseen" id="announcer" />
      <div class="verify">
        <h1>Verify a video</h1>
        <p>
          What an MP4 or a WebP says about its origin, and whether that holds. The file goes to this service
          alone.
        </p>
        <form class="field" id="credentials" novalidate autocomplete="off">
          <label for="key">API key</label>
          <input id="key" type="password" autocomplete="off" spellcheck={false} placeholder="adr_…" />
        </form>
        <label class="drop" id="drop" for="file">
          <strong>Drop a video here</strong>
          <span>or choose a file of up to {Math.floor(bytesMax / 2 ** 20)} MiB</span>
          <input class="unseen" id="file" type="file" accept="video/mp4,image/webp,.mp4,.webp" />
        </label>
        <p class="error" id="error" role="alert" hidden />
        <section id="verdict" hidden aria-labelledby="verdict-name">
          <h2 id="verdict-name">The file</h2>
          <ul id="verdict-lines" />
        </section>
      </div>
    </Page>
  );
}
