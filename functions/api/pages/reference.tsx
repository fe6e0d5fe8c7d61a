/** @jsxImportSource hono/jsx */
import { Page } from "./layout.tsx";
export function reference(_: object) {
  return (
    <Page title="Adareel API reference" path="/docs">
      soon
    </Page>
  );
}
