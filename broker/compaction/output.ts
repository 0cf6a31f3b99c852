/** What comes of one piece of input: stretches of it as they were, and new bytes between them. Holds no more than that comes to. */
export type Output = {
  readonly input: Uint8Array;
  readonly parts: Uint8Array[];
  /** Where in the input the stretch that is being gathered begins and ends. */
  stretchStart: number;
  stretchEnd: number;
  size: number;
};

export const createOutput = (input: Uint8Array): Output => ({
  input,
  parts: [],
  stretchStart: 0,
  stretchEnd: 0,
  size: 0,
});

/** The next `size` bytes are those of the input at `at`. */
export function putInput(output: Output, at: number, size: number): void {
  if (at !== output.stretchEnd) {
    closeStretch(output);
    output.stretchStart = at;
  }
  output.stretchEnd = at + size;
  output.size += size;
}

/** `bytes` come next. They must not be changed until `finishOutput`. */
export function putBytes(output: Output, bytes: Uint8Array): void {
  closeStretch(output);
  output.parts.push(bytes);
  output.size += bytes.length;
}

/** All of it: the input itself if that is what it comes to, else bytes of their own, which may be transferred to another thread. */
export function finishOutput(output: Output): Uint8Array {
  closeStretch(output);
  const { parts, input, size } = output;
  if (parts.length === 1 && size === input.length && parts[0]!.buffer === input.buffer)
    return input;
  const bytes = new Uint8Array(size);
  let to = 0;
  for (const part of parts) {
    bytes.set(part, to);
    to += part.length;
  }
  return bytes;
}

const closeStretch = (output: Output): void => {
  const { input, stretchStart, stretchEnd } = output;
  if (stretchEnd > stretchStart) output.parts.push(input.subarray(stretchStart, stretchEnd));
  output.stretchStart = stretchEnd;
};
