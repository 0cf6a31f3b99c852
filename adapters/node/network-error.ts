import type { NetworkErrorCode } from "../../ports/network.ts";
import { NetworkError } from "../../ports/network.ts";

const codes: Record<string, NetworkErrorCode> = {
  EADDRINUSE: "inUse",
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timedOut",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
};

export function toNetworkError(error: Error): NetworkError {
  const systemCode = "code" in error ? String(error.code) : "";
  const message = error.message === "" ? systemCode : error.message;
  return new NetworkError(codes[systemCode] ?? "io", message, { cause: error });
}
