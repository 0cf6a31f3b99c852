import type { Context } from "hono";
import type { ApiEnv, Routes } from "./api-context.ts";
import { Problem } from "./problem.ts";
import { reply } from "./reply-problem.ts";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** 404, or 405 with what is allowed where the path exists under other methods. */
export function missingRoute(app: Routes): (c: Context<ApiEnv>) => Response {
  return (c) => {
    const allowed: string[] = methods.filter((method) => answers(app, method, c.req.path));
    if (allowed.length === 0) {
      return reply(new Problem("not-found", "nothing is served at this path; see /docs"), c);
    }
    if (allowed.includes("GET")) allowed.push("HEAD");
    const detail = `${c.req.method.slice(0, 20)} is not supported here; use ${allowed.join(", ")}`;
    const problem = new Problem("method-not-allowed", detail, {
      headers: { allow: allowed.join(", ") },
    });
    return reply(problem, c);
  };
}

/** Middleware matches every method; a route has its own. */
function answers(app: Routes, method: string, path: string): boolean {
  const [matched] = app.router.match(method, path);
  return matched.some(([[, route]]) => route.method === method);
}
