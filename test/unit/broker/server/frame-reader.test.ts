import fc from "fast-check";
import { expect, test } from "vitest";
import { FramePool } from "../../../../broker/server/frame-pool.ts";
import { FrameReader } from "../../../../broker/server/frame-reader.ts";

function framed(payload: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(payload.byteLength);
  return Buffer.concat([size, payload]);
}

test("however a stream is cut, the same frames come out", () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(
      payloads,
      fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1 }),
      (sent, cuts) => {
        const pool = new FramePool({ frameBudgetBytes: 2 ** 20, retainedFrameBytes: 2 ** 16 });
        const reader = new FrameReader(pool, 10_000);
        const stream = Buffer.concat(sent.map(framed));
        const received: Buffer[] = [];
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const length = cuts[cut % cuts.length] ?? 1;
          const bytes = stream.subarray(at, at + length);
          at += length;
          for (let next = 0; next < bytes.length;) {
            const step = reader.read(bytes, next);
            if (step.kind !== "frame") {
              expect(step.kind).toBe("more");
              break;
            }
            received.push(Buffer.from(step.frame.bytes));
            pool.giveBack(step.frame);
            next = step.at;
          }
        }
        expect(received).toEqual(sent.map((payload) => Buffer.from(payload)));
        expect(reader.isInFrame).toBe(false);
        expect(pool.lentBytes).toBe(0);
      },
    ),
    { numRuns: 200 },
  );
});

test("the rest of a frame can be received in place", () => {
  const pool = new FramePool({ frameBudgetBytes: 2 ** 20, retainedFrameBytes: 0 });
  const reader = new FrameReader(pool, 10_000);
  expect(reader.rest).toBeNull();
  expect(reader.read(Uint8Array.of(0, 0, 0, 5, 1, 2), 0).kind).toBe("more");
  expect(reader.rest?.byteLength).toBe(3);
  reader.rest?.set([3, 4]);
  expect(reader.filled(2)).toBeNull();
  reader.rest?.set([5]);
  expect([...(reader.filled(1)?.bytes ?? [])]).toEqual([1, 2, 3, 4, 5]);
});
