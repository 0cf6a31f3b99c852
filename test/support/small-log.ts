const kibibyte = 1024;

/** A log whose files roll, leave memory and are reclaimed within a few hundred kilobytes. */
export const smallLog = {
  ringBytes: 64 * kibibyte,
  chunkBytes: 8 * kibibyte,
  fileBytes: 32 * kibibyte,
  minFreeBytes: 0,
};
