import { problemKinds } from "./problem.ts";
import type { ProblemKind } from "./problem.ts";

// The reference page: Swagger UI from our own origin, so that it works on a train, under a policy that lets nothing else in.

export const docsHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

export function docsPage(version: string): string {
  return page(
    "Myelin HTTP API",
    `<header class="bar">
  <a class="name" href="docs">myelin</a><span class="version">${escapeHtml(version)}</span>
  <nav><a href="docs/problems">Problems</a><a href="v1/limits">Limits</a><a href="openapi.json">openapi.json</a></nav>
</header>
<main id="reference"><p class="note">Loading the reference. Without JavaScript, read <a href="openapi.json">openapi.json</a>.</p></main>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="stylesheet" href="docs/reference.css">
<script src="docs/swagger-ui-bundle.js" defer></script>
<script src="docs/reference.js" defer></script>`,
  );
}

export const docsScript = `addEventListener("DOMContentLoaded", () => {
  if (typeof SwaggerUIBundle !== "function") {
    document.querySelector(".note").textContent = "The reference's files are not installed here; the document itself is at openapi.json.";
    return;
  }
  SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#reference",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    defaultModelExpandDepth: 3,
    displayRequestDuration: true,
    filter: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
});
`;

export const docsStyle = `
:root { color-scheme: light; --ink: #1d2433; --soft: #5b6579; --line: #e3e7ee; --accent: #0f766e; --ground: #ffffff; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.bar { display: flex; align-items: baseline; gap: 12px; padding: 14px 28px; border-bottom: 1px solid var(--line); position: sticky; top: 0; background: var(--ground); z-index: 10; }
.bar .name { font-weight: 700; font-size: 18px; letter-spacing: -.01em; color: var(--ink); text-decoration: none; }
.bar .version { color: var(--soft); font-size: 13px; }
.bar nav { margin-left: auto; display: flex; gap: 20px; }
.bar nav a, .prose a { color: var(--accent); text-decoration: none; }
.bar nav a:hover, .prose a:hover { text-decoration: underline; }
.note { padding: 28px; color: var(--soft); }
.prose { max-width: 760px; margin: 0 auto; padding: 12px 28px 60px; }
.prose h1 { font-size: 26px; letter-spacing: -.01em; }
.prose dt { font-weight: 600; margin-top: 22px; }
.prose dd { margin: 2px 0 0; color: var(--soft); }
.prose code { background: #f2f5f9; border-radius: 4px; padding: 1px 5px; font-size: 13px; }
.swagger-ui .topbar { display: none; }
.swagger-ui .wrapper { max-width: 1120px; padding: 0 28px; }
.swagger-ui, .swagger-ui .info .title, .swagger-ui .opblock-tag, .swagger-ui .opblock .opblock-summary-description, .swagger-ui table thead tr td, .swagger-ui table thead tr th { font-family: inherit; color: var(--ink); }
.swagger-ui .parameter__name, .swagger-ui .btn, .swagger-ui label, .swagger-ui h4, .swagger-ui .opblock-description-wrapper p, .swagger-ui .response-col_status, .swagger-ui .tab li { font-family: inherit; }
.swagger-ui .opblock { scroll-margin-top: 64px; }
.swagger-ui .markdown p, .swagger-ui .renderedMarkdown p { font: inherit; color: var(--ink); }
.swagger-ui .markdown code, .swagger-ui .renderedMarkdown code { color: var(--ink); background: #f2f5f9; border-radius: 4px; font-weight: 500; }
.swagger-ui .info { margin: 28px 0 12px; }
.swagger-ui .info .title { font-size: 28px; letter-spacing: -.01em; }
.swagger-ui .info .title small.version-stamp, .swagger-ui .info .title small { background: var(--accent); }
.swagger-ui .info__license, .swagger-ui .info a.link, .swagger-ui .info hgroup.main > a { display: none; }
.swagger-ui .scheme-container { display: none; }
.swagger-ui .opblock-tag { font-size: 18px; border-bottom-color: var(--line); }
.swagger-ui .opblock { box-shadow: none; border-radius: 8px; margin: 0 0 8px; }
.swagger-ui .opblock .opblock-summary-method { border-radius: 6px; min-width: 68px; font-size: 12px; }
.swagger-ui .opblock .opblock-summary-path, .swagger-ui .opblock .opblock-summary-path__deprecated { font-size: 14px; }
.swagger-ui section.models { border-color: var(--line); border-radius: 8px; }
@media (max-width: 640px) { .bar { flex-wrap: wrap; padding: 12px 16px; } .bar nav { margin-left: 0; width: 100%; } .swagger-ui .wrapper { padding: 0 12px; } }
`;

/** One page for all kinds: each problem's `type` leads to its own line. */
export function problemsPage(): string {
  const entries = Object.entries(problemKinds)
    .map(
      ([slug, { status, title, about }]) =>
        `<dt id="${slug}">${escapeHtml(title)} <code>${status} ${slug}</code></dt><dd>${prose(about)}</dd>`,
    )
    .join("\n");
  return page(
    "Problems of the Myelin HTTP API",
    `<link rel="stylesheet" href="reference.css">
<div class="prose"><p><a href="../docs">Reference</a></p><h1>Problems</h1>
<p>A refused request answers <code>application/problem+json</code> (RFC 9457). Its <code>type</code> names one of these.</p>
<dl>${entries}</dl></div>`,
  );
}

export function problemPage(kind: ProblemKind): string {
  const { status, title, about } = problemKinds[kind];
  return page(
    title,
    `<link rel="stylesheet" href="../reference.css">
<div class="prose"><p><a href="../problems">All problems</a></p>
<h1>${escapeHtml(title)}</h1><p><code>${status} ${kind}</code></p><p>${prose(about)}</p></div>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
</head>
<body>
${body}
</body>
</html>
`;
}

/** Text with `code` in it. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
