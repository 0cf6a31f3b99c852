/**
 * What API Gateway says of a request that it lets nobody in with, before any of the cell's own code has seen it: `{"message":"Unauthorized"}`, and of a
 * token why. Null for any other answer.
 */
export function gatewayRefusal({ status, headers }: Response, text: string): string | null {
  if (status !== 401 && status !== 403) return null;
  const message = messageIn(text);
  if (message === null) return null;
  const described = /error_description="([^"]{1,200})"/.exec(headers.get("www-authenticate") ?? "");
  return [`${status} ${message.slice(0, 200)}`, ...(described?.slice(1) ?? [])].join(": ");
}

function messageIn(text: string): string | null {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : null;
  } catch {
    return null;
  }
}
