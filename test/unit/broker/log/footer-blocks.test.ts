import { expect, test } from "vitest";
import { createFooterBlocks } from "../../../../broker/log/footer-blocks.ts";
import { createWalFile } from "../../../../broker/log/wal-file.ts";

const fileOf = (sequence: number) =>
  createWalFile({ sequence, path: `wal-${sequence}`, fileBytes: 1, address: null, handle: null });
const block = (content: number) => new Uint8Array(4).fill(content);

test("as many blocks are kept as were said, those asked for last", () => {
  const blocks = createFooterBlocks(3);
  const file = fileOf(1);
  for (const position of [1, 2, 3]) blocks.keep(file, position, block(position));
  expect(blocks.find(file, 1)).toEqual(block(1));
  blocks.keep(file, 4, block(4));
  expect([1, 2, 3, 4].map((position) => blocks.find(file, position)?.[0])).toEqual([
    1,
    undefined,
    3,
    4,
  ]);
});

test("a file's blocks are not those of another file under the same sequence", () => {
  const blocks = createFooterBlocks(3);
  blocks.keep(fileOf(7), 100, block(1));
  expect(blocks.find(fileOf(7), 100)).toBe(undefined);
});
