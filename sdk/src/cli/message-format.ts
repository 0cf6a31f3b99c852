import type { ReceivedMessage } from "../client/received-message.ts";
import { CliError } from "./failure.ts";

type RawMessage = ReceivedMessage<Uint8Array | null>;
type Part = (message: RawMessage) => Uint8Array | string;

const none = new Uint8Array(0);

const parts: Record<string, Part> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  k: ({ raw }) => raw.key ?? none,
  v: ({ raw }) => raw.value ?? none,
  s: ({ raw }) => raw.value ?? none,
  T: ({ timestamp }) => String(timestamp.getTime()),
  d: ({ timestamp }) => timestamp.toISOString(),
  h: ({ headers }) =>
    Object.entries(headers)
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
  K: ({ raw }) => String(raw.key?.length ?? -1),
  V: ({ raw }) => String(raw.value?.length ?? -1),
  S: ({ raw }) => String(raw.value?.length ?? -1),
  "%": () => "%",
};

const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r", "\\": "\\" };

/** A printer of messages after a pattern like kcat's: `%t %p %o %k %v`; every message ends in a newline, values are printed byte for byte. */
export function messageFormat(pattern: string): (message: RawMessage) => Uint8Array {
  const pieces: (Part | string)[] = [];
  for (const [, letter, escaped, text] of pattern.matchAll(/%(.)|\\(.)|([^%\\]+|[%\\]$)/gs)) {
    if (letter !== undefined) pieces.push(partOf(letter));
    else if (escaped !== undefined) pieces.push(escapes[escaped] ?? `\\${escaped}`);
    else if (text !== undefined) pieces.push(text);
  }
  return (message) => {
    const printed = pieces.map((piece) => (typeof piece === "string" ? piece : piece(message)));
    const chunks = [...printed, "\n"].map((each) =>
      typeof each === "string" ? Buffer.from(each) : each,
    );
    return Buffer.concat(chunks);
  };
}

function partOf(letter: string): Part {
  const part = parts[letter];
  if (part !== undefined) return part;
  throw new CliError(
    `%${letter} is no part of a message: there are %t topic, %p partition, %o offset, %k key, %v value, %h headers, %d time, %T time in milliseconds, %K and %V lengths.`,
    2,
  );
}

/** The message as a JSON line. Key and value are text; bytes that are not UTF-8 are given in base64, under another name. */
export function messageJson(message: RawMessage): Uint8Array {
  const { topic, partition, offset, timestamp, headers, raw } = message;
  return Buffer.from(
    `${JSON.stringify({
      topic,
      partition,
      offset,
      timestamp,
      ...field("key", raw.key),
      ...field("value", raw.value),
      headers,
    })}\n`,
  );
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function field(name: string, value: Uint8Array | null): Record<string, string | null> {
  if (value === null) return { [name]: null };
  try {
    return { [name]: utf8.decode(value) };
  } catch {
    return { [`${name}Base64`]: Buffer.from(value).toString("base64") };
  }
}
