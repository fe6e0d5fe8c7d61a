import { createHash } from "node:crypto";
import { secureHeaders } from "hono/secure-headers";
import { SCHEDULE_CHART_STYLE } from "../../../lib/generation/chart/index.ts";

const chartStyle = createHash("sha256").update(SCHEDULE_CHART_STYLE).digest("base64");

/**
 * Headers of the pages: scripts, styles and requests of this origin alone, so that a prompt that slipped through the
 * escaping could still not run. Videos and pictures may be elsewhere, because signed URLs are.
 */
export const pageHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", `'sha256-${chartStyle}'`],
    connectSrc: ["'self'"],
    imgSrc: ["'self'", "https:", "http:"],
    mediaSrc: ["'self'", "https:", "http:"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  // Hosts below this one are not ours to speak for.
  strictTransportSecurity: "max-age=15552000",
});
