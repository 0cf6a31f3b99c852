/** Small, so that a second sees many files come and go. */
export const killConfig = {
  ringBytes: 1024 * 1024,
  chunkBytes: 128 * 1024,
  fileBytes: 512 * 1024,
  readBytes: 1024 * 1024,
  poolFiles: 2,
  flushIntervalMs: 50,
  minFreeBytes: 0,
};

export const killLogs = 4;
/** The log start follows the end at about this distance. */
export const keptOffsets = 400;
