import { styleText } from "node:util";

/** What a command prints: lines for a person, or JSON for a program (`--json`: one document, or one object a line). */
export type Output = {
  readonly isJson: boolean;
  /** A person is looking. */
  readonly isTerminal: boolean;
  line(text: string): void;
  /** Columns under a header, as kubectl prints them. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void;
  /** One value, as a JSON line. */
  json(value: unknown): void;
  /** Remarks: stderr, so that stdout stays data. */
  note(text: string): void;
};

export function createOutput(isJson: boolean): Output {
  const isTerminal = process.stdout.isTTY;
  const line = (text: string): void => void process.stdout.write(`${text}\n`);
  return {
    isJson,
    isTerminal,
    line,
    table(header, rows) {
      const [head = "", ...body] = table(header, rows);
      // Leaves the text plain where colours are not wanted: NO_COLOR, no terminal.
      line(styleText("bold", head, { stream: process.stdout }));
      for (const each of body) line(each);
    },
    json: (value) => line(JSON.stringify(value)),
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** Columns as wide as their widest cell; the header in capitals. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [header.map((each) => each.toUpperCase()), ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
