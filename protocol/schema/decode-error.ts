/**
 * Why bytes are not the message they were said to be. Returned by `decode`, never thrown: bad input is an expected outcome (style rule 11).
 * `path` names the field (`topics[2].partitions[0].records`), `position` the byte in the input.
 */
export class DecodeError extends Error {
  readonly kind = "corruptInput";
  readonly path: string;
  readonly position: number;

  constructor(reason: string, path: string, position: number) {
    super(`${path === "" ? "message" : path}: ${reason} (byte ${position})`);
    this.name = "DecodeError";
    this.path = path;
    this.position = position;
  }
}
