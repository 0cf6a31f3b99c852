import { createInterface } from "node:readline";
import { crc32 } from "node:zlib";

// What the soak and its clients say to each other, a line each, fields divided by tabs; the programs in other languages beside this file speak it too.
//   to a writer        topic key value         an empty key is none; the value's first word is the record's id
//   from a writer      + id topic partition offset     acknowledged
//                      - id reason                     given up
//   from a reader      R topic partition offset id sum of the value (CRC-32)
//                      C topic partition offset        a commit was acknowledged
//   from both          E reason                        something failed, and is tried again
// A client ends when its input ends: a writer when everything has been answered, a reader when it has left its group.

export type Line = {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string;
  readonly id: string;
};

export const idOf = (value: string): string => value.slice(0, value.indexOf(" "));

/** Lines of standard input as they come, as many at a time as there are, up to `maxCount`. */
export async function* batchesOfInput(maxCount: number): AsyncGenerator<Line[]> {
  let waiting: Line[] = [];
  let isOver = false;
  let wake = (): void => {};
  const input = createInterface({ input: process.stdin });
  input.on("line", (line) => {
    const [topic = "", key = "", value = ""] = line.split("\t");
    waiting.push({ topic, key: key === "" ? null : key, value, id: idOf(value) });
    wake();
  });
  input.on("close", () => {
    isOver = true;
    wake();
  });
  for (;;) {
    if (waiting.length > 0) {
      const batch = waiting.slice(0, maxCount);
      waiting = waiting.slice(maxCount);
      yield batch;
    } else if (isOver) return;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

/** Resolves when standard input has ended. */
export function inputEnded(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.on("end", resolve).on("close", resolve).resume();
  });
}

export function acknowledged(
  { id, topic }: Line,
  { partition, offset }: { partition: number; offset: number },
): void {
  process.stdout.write(`+\t${id}\t${topic}\t${partition}\t${offset}\n`);
}

export function givenUp({ id }: Line, error: unknown): void {
  process.stdout.write(`-\t${id}\t${reasonOf(error)}\n`);
}

export function failed(error: unknown): void {
  process.stdout.write(`E\t${reasonOf(error)}\n`);
}

export type Read = {
  topic: string;
  partition: number;
  offset: number;
  value: string | Buffer | null | undefined;
};

export function received(records: readonly Read[]): void {
  const lines = records.map(({ topic, partition, offset, value }) => {
    const bytes = Buffer.from(value ?? "");
    const id = idOf(bytes.subarray(0, 40).toString("latin1"));
    return `R\t${topic}\t${partition}\t${offset}\t${id}\t${crc32(bytes)}\n`;
  });
  process.stdout.write(lines.join(""));
}

export function committed(topic: string, partition: number, offset: number): void {
  process.stdout.write(`C\t${topic}\t${partition}\t${offset}\n`);
}

/** The innermost cause that says something, without what differs from one time to the next. */
function reasonOf(error: unknown): string {
  let reason: unknown = error;
  for (let depth = 0; depth < 6; depth++) {
    const { errors, cause } = (reason ?? {}) as { errors?: unknown[]; cause?: unknown };
    const inner = errors?.at(-1) ?? cause;
    if (inner === undefined || inner === null) break;
    reason = inner;
  }
  const { code, type, message } = (reason ?? {}) as Record<string, string | undefined>;
  const words = [code ?? type, message ?? String(reason)].filter((each) => each !== undefined);
  return words.join(" ").replaceAll(/\s+/g, " ").replaceAll(/\d+/g, "N").slice(0, 120);
}
