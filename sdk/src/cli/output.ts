/** What a command prints: lines for a person, or JSON for a program (`--json`: one document, or one object a line). */
export type Output = {
  readonly isJson: boolean;
  /** Colour and tables that fit a terminal. */
  readonly isTerminal: boolean;
  line(text: string): void;
  /** One value, as a JSON line. */
  json(value: unknown): void;
  /** Progress and remarks: stderr, so that stdout stays data. */
  note(text: string): void;
};

export function createOutput(isJson: boolean): Output {
  return {
    isJson,
    isTerminal: process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined,
    line: (text) => void process.stdout.write(`${text}\n`),
    json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** Columns as wide as their widest cell; the header in capitals, as kubectl prints it. */
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
