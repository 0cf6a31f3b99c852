/** A function put together line by line, with the values its text refers to. The text is made of our own tables only. */
export type FunctionSource = {
  /** The name under which the text finds `value`. */
  use(value: unknown): string;
  line(text: string): void;
  toFunction(parameters: string): unknown;
};

export function startSource(): FunctionSource {
  const lines: string[] = [];
  const values: unknown[] = [];
  return {
    use(value) {
      const known = values.indexOf(value);
      return `used${known >= 0 ? known : values.push(value) - 1}`;
    },
    line: (text) => void lines.push(text),
    toFunction(parameters) {
      const names = values.map((_, index) => `used${index}`);
      const text = `"use strict";\nreturn function compiled(${parameters}) {\n${lines.join("\n")}\n};`;
      // oxlint-disable-next-line typescript/no-implied-eval -- the text is ours: field names of the wire tables, and names this object gave
      return new Function(...names, text)(...values);
    },
  };
}
