/** Languages in which the pages show requests, in the order of their buttons, with what their programs need. */
export const LANGUAGES = {
  curl: { label: "curl" },
  javascript: { label: "JavaScript", needs: "Node.js 20 or later" },
  python: { label: "Python", needs: "Python 3.9 or later and no packages" },
} as const;

export type Language = keyof typeof LANGUAGES;
