import { createHash } from "node:crypto";
import { secureHeaders } from "hono/secure-headers";
import { SCHEDULE_CHART_STYLE } from "../../../lib/generation/chart/index.ts";

const chartStyle = createHash("sha256").update(SCHEDULE_CHART_STYLE).digest("base64");

/**
 * Security headers of the pages. Scripts, styles and requests are allowed from this origin only, so markup in a prompt
 * could not run even if it were not escaped. Videos and pictures may come from other hosts, because signed URLs do.
 */
export const pageHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", `'sha256-${chartStyle}'`],
    connectSrc: ["'self'"],
    // Pictures that a request is to send, and previews of a stream, are shown from blobs.
    imgSrc: ["'self'", "https:", "http:", "blob:"],
    mediaSrc: ["'self'", "https:", "http:"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  // `includeSubDomains` is left out, because subdomains may belong to other services.
  strictTransportSecurity: "max-age=15552000",
});
