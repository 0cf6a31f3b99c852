import fc from "fast-check";
import { expect, test } from "vitest";
import { isSupplanted, supplantedIn } from "../../../../broker/cell/cell-state.ts";
import type { Broker, Image } from "../../../../metadata/image/image.ts";

const places = fc.array(
  fc.record({ host: fc.constantFrom("a", "b"), port: fc.constantFrom(1, 2) }),
  {
    maxLength: 8,
  },
);

test("whoever is supplanted is so when asked for alone and when all are looked for", () => {
  fc.assert(
    fc.property(places, fc.nat(), (drawn, turn) => {
      const epochs = drawn.map((_, at) => ((at + turn) % drawn.length) + 1);
      const brokers = new Map(
        drawn.map((place, at) => [at, { ...place, brokerId: at, epoch: epochs[at] } as Broker]),
      );
      const image = { brokers } as unknown as Image;
      const alone = [...brokers.keys()].filter((id) => isSupplanted(image, id));
      expect([...supplantedIn(image)].toSorted((left, right) => left - right)).toEqual(alone);
    }),
  );
});
