import type { CutNetwork } from "../cell/namespaces.ts";
import type { ProcessCell } from "../cell/process-cell.ts";
import type { Dice } from "./dice.ts";

/** Something that is done to a cell, and undone: after it every broker runs and hears the others. */
export type Deed = {
  readonly name: string;
  /** How often it is drawn, among the others. */
  readonly weight: number;
  /** It takes away for good what may be the last copy but one: every replica must be in sync before. */
  readonly needsWell?: boolean;
  readonly needsNetwork?: boolean;
  readonly run: (at: Place) => Promise<void>;
};

export type Place = {
  readonly cell: ProcessCell;
  readonly dice: Dice;
  /** Null where nothing can be cut. */
  readonly network: CutNetwork | null;
};

/** Past the session (9 s) and what a take-over takes, or within it. */
const long = [10, 20] as const;
const short = [1, 6] as const;

export const deeds: readonly Deed[] = [
  {
    name: "kill -9",
    weight: 5,
    run: async (at) => killed(at, [any(at)], draw(at, [0, 15])),
  },
  {
    name: "kill -9 of two at once",
    weight: 1,
    run: async (at) => killed(at, others(at, any(at)), draw(at, [0, 5])),
  },
  {
    name: "kill -9 of all at once",
    weight: 1,
    run: async (at) => killed(at, at.cell.slots, draw(at, [0, 2])),
  },
  {
    name: "SIGTERM",
    weight: 2,
    run: async (at) => stopped(at, any(at), draw(at, short)),
  },
  {
    name: "rolling restart",
    weight: 1,
    async run(at) {
      for (const slot of at.cell.slots) await stopped(at, slot, 0);
    },
  },
  {
    name: "SIGSTOP past the session",
    weight: 3,
    run: async (at) => paused(at, any(at), () => seconds(draw(at, long))),
  },
  {
    name: "SIGSTOP within the session",
    weight: 2,
    run: async (at) => paused(at, any(at), () => seconds(draw(at, short))),
  },
  {
    name: "SIGSTOP of one, kill -9 of another",
    weight: 1,
    async run(at) {
      const slot = any(at);
      const [other = slot] = others(at, slot);
      await paused(at, slot, () => killed(at, [other], draw(at, long)));
    },
  },
  {
    name: "a disk lost",
    weight: 2,
    needsWell: true,
    async run(at) {
      const slot = any(at);
      await at.cell.kill(slot);
      await seconds(draw(at, [0, 10]));
      at.cell.wipe(slot);
      await at.cell.start(slot);
    },
  },
  {
    name: "a host cut off",
    weight: 3,
    needsNetwork: true,
    run: async (at) => cut(at, (network) => network.isolate(any(at)), [...short, ...long]),
  },
  {
    name: "two brokers that do not hear each other",
    weight: 2,
    needsNetwork: true,
    async run(at) {
      const slot = any(at);
      const [other = slot] = others(at, slot);
      const both = (network: CutNetwork): void => {
        network.cut(slot, other);
        network.cut(other, slot);
      };
      await cut(at, both, [...short, ...long]);
    },
  },
  {
    name: "a broker that hears and is not heard",
    weight: 2,
    needsNetwork: true,
    async run(at) {
      const slot = any(at);
      const away = (network: CutNetwork): void => {
        for (const other of others(at, slot)) network.cut(slot, other);
      };
      await cut(at, away, [...short, ...long]);
    },
  },
  {
    name: "a host cut off, its broker killed and started meanwhile",
    weight: 1,
    needsNetwork: true,
    async run(at) {
      const slot = any(at);
      at.network?.isolate(slot);
      try {
        await killed(at, [slot], draw(at, short));
        await seconds(draw(at, long));
      } finally {
        at.network?.heal();
      }
    },
  },
];

/** The next deed of those that can be done here. */
export function drawDeed(at: Place, known: readonly Deed[] = deeds): Deed {
  const possible = known.filter(({ needsNetwork }) => needsNetwork !== true || at.network !== null);
  let left = at.dice(possible.reduce((sum, { weight }) => sum + weight, 0));
  for (const deed of possible) {
    left -= deed.weight;
    if (left < 0) return deed;
  }
  throw new RangeError("no deed can be done here");
}

function any({ cell, dice }: Place): number {
  return cell.slots[dice(cell.slots.length)] ?? 1;
}

/** All but one, from a random one on. */
function others({ cell, dice }: Place, slot: number): number[] {
  const rest = cell.slots.filter((each) => each !== slot);
  const first = dice(rest.length);
  return [...rest.slice(first), ...rest.slice(0, first)];
}

function draw({ dice }: Place, range: readonly number[]): number {
  const [least, most] = [range[0] ?? 0, range.at(-1) ?? 0];
  return least + ((most - least) * dice(1_000)) / 1000;
}

async function killed(
  { cell }: Place,
  slots: readonly number[],
  downSeconds: number,
): Promise<void> {
  await Promise.all(slots.map((slot) => cell.kill(slot)));
  await seconds(downSeconds);
  await Promise.all(slots.map((slot) => cell.start(slot)));
}

async function stopped({ cell }: Place, slot: number, downSeconds: number): Promise<void> {
  const code = await cell.stop(slot);
  if (code !== 0) throw new Error(`broker ${slot} stopped with ${code}`);
  await seconds(downSeconds);
  await cell.start(slot);
}

async function paused(
  { cell }: Place,
  slot: number,
  meanwhile: () => Promise<void>,
): Promise<void> {
  cell.signal(slot, "SIGSTOP");
  try {
    await meanwhile();
  } finally {
    cell.signal(slot, "SIGCONT");
  }
}

async function cut(
  at: Place,
  make: (network: CutNetwork) => void,
  range: readonly number[],
): Promise<void> {
  if (at.network === null) return;
  make(at.network);
  try {
    await seconds(draw(at, range));
  } finally {
    at.network.heal();
  }
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
