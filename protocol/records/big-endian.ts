import assert from "node:assert";

// Plain byte arithmetic on Uint8Array: a DataView would be one allocation per batch, and Buffer methods do not exist on views of the hot ring.
// Callers have checked the bounds; out of range reads give 0, never a throw. Conditions stand before `assert`, whose call costs more than all the rest here.

export const int16At = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) >> 16) | bytes[at + 1]!;

export const int32At = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;

export const uint32At = (bytes: Uint8Array, at: number): number => int32At(bytes, at) >>> 0;

/** The 64-bit value rounded to a double: exact if and only if `isSafeInt64At`. For bytes nobody has checked yet. */
export const roundedInt64At = (bytes: Uint8Array, at: number): number =>
  int32At(bytes, at) * 0x1_0000_0000 + uint32At(bytes, at + 4);

export const isSafeInt64At = (bytes: Uint8Array, at: number): boolean =>
  Number.isSafeInteger(roundedInt64At(bytes, at));

export const int64At = (bytes: Uint8Array, at: number): number => {
  const value = roundedInt64At(bytes, at);
  if (!Number.isSafeInteger(value)) assert.fail("64-bit fields are checked before they are used");
  return value;
};

export const putInt16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
};

export const putInt32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
};

export const putInt64 = (bytes: Uint8Array, at: number, value: number): void => {
  if (!Number.isSafeInteger(value)) assert.fail("64-bit fields are safe integers");
  putInt32(bytes, at, Math.floor(value / 0x1_0000_0000));
  // `| 0` takes the low 32 bits of any safe integer, negative ones included.
  putInt32(bytes, at + 4, value | 0);
};
