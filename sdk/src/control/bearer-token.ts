import { MyelinError } from "../errors.ts";

/** A token, or what gives one that holds now: it is asked anew for each request. */
export type TokenSource = string | (() => string | Promise<string>);

/** https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
const bearerToken = /^[\w.~+/-]+=*$/;

/** The `authorization` header. No error shows the token, and what the function throws is thrown as it is. */
export async function bearerOf(source: TokenSource): Promise<string> {
  const given: unknown = typeof source === "function" ? await source() : source;
  // What is read from a file or a command ends its line.
  const token = typeof given === "string" ? given.trim() : "";
  if (bearerToken.test(token)) return `Bearer ${token}`;
  const fault = token === "" ? "is empty" : 'has characters that none has (leave out "Bearer")';
  throw new MyelinError("INVALID_ARGUMENT", `The token ${fault}`);
}

/** Throws where whoever is on the way could read a token. */
export function checkKeepsSecret(address: string): void {
  const url = URL.parse(address);
  if (url?.protocol === "https:" || isWithinMachine(address)) return;
  throw new MyelinError(
    "INVALID_ARGUMENT",
    `A token is sent by https only, or within this machine: on its way to ${url?.host ?? address} others could read it. Write https://, or leave out the token (MYELIN_TOKEN).`,
  );
}

export function isWithinMachine(address: string): boolean {
  // As `URL` writes them: 127.1 is 127.0.0.1 there.
  const { hostname } = URL.parse(address) ?? { hostname: "" };
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
