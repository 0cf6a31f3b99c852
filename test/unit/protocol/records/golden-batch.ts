// One batch written by hand from Kafka's description of the format; the CRC was computed bit by bit from the polynomial.
const rows = [
  ["00 00 00 01 02 03 04 05", "base offset"],
  ["00 00 00 4b", "length: 87 - 12"],
  ["00 00 00 07", "partition leader epoch"],
  ["02", "magic"],
  ["a4 19 dc 32", "CRC-32C of all that follows"],
  ["00 10", "attributes: no codec, create time, transactional"],
  ["00 00 00 01", "last offset delta"],
  ["00 00 01 8b cf e5 68 00", "base timestamp 1700000000000"],
  ["00 00 01 8b cf e5 68 01", "max timestamp"],
  ["00 00 00 00 00 00 23 28", "producer id 9000"],
  ["00 03", "producer epoch"],
  ["7f ff ff ff", "base sequence: the last one before the wrap"],
  ["00 00 00 02", "record count"],
  ["1e", "record 0: 15 bytes follow"],
  ["00 00 00", "attributes, timestamp delta 0, offset delta 0"],
  ["02 6b", 'key "k"'],
  ["06 76 61 6c", 'value "val"'],
  ["02", "one header"],
  ["02 68", 'its key "h"'],
  ["04 ff 00", "its value ff 00"],
  ["12", "record 1: 9 bytes follow"],
  ["00 02 02", "attributes, timestamp delta 1, offset delta 1"],
  ["01", "null key"],
  ["01", "null value"],
  ["02", "one header"],
  ["02 61", 'its key "a"'],
  ["01", "its null value"],
] as const;

export const goldenBatch = (): Uint8Array =>
  new Uint8Array(Buffer.from(rows.map(([hex]) => hex.replaceAll(" ", "")).join(""), "hex"));
