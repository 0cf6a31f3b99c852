import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import type { ClientProcess } from "./client-process.ts";
import type { Dice } from "./dice.ts";
import type { Ledger } from "./ledger.ts";
import type { WriterPlan } from "./plan.ts";

/** Half noise, half words that compress; no tab and no line's end in it. */
const text = Array.from({ length: 2_000 }, (_, index) =>
  index % 2 === 0 ? randomBytes(384).toString("base64") : "lorem ipsum ".repeat(43),
).join("");

const tickMs = 50;
/** Records of one writer whose fate is not known, at most. */
const maxOpen = 2_000;
const keyCount = 50;

export type FeedOptions = {
  readonly ledger: Ledger;
  readonly dice: Dice;
  readonly plan: WriterPlan;
  /** The writer in the ledger. */
  readonly index: number;
  readonly client: ClientProcess;
  readonly rate: number;
};

export type Feed = {
  /** A record of this writer was acknowledged or given up. */
  answered(): void;
  /** Its client was started again and has forgotten what it had: those records stay unknown, and keep no place in the window. */
  forgotten(): void;
  stop(): void;
};

/** Gives a writer its records, at its rate while it answers. */
export function startFeed(options: FeedOptions): Feed {
  let open = 0;
  let due = 0;
  const timer = setInterval(() => {
    due = Math.min(due + (options.rate * tickMs) / 1000, maxOpen);
    for (; due >= 1 && open < maxOpen && options.client.takesLines; due--) {
      options.client.send(nextLine(options));
      open++;
    }
  }, tickMs);
  return {
    answered() {
      open = Math.max(0, open - 1);
    },
    forgotten() {
      open = 0;
    },
    stop: () => clearInterval(timer),
  };
}

function nextLine({ ledger, dice, plan, index }: FeedOptions): string {
  const [least, most] = plan.bytes;
  const topic = plan.topics[dice(plan.topics.length)];
  const start = dice(text.length - most);
  const value = `${ledger.nextId(index)} ${text.slice(start, start + least + dice(most - least + 1))}`;
  ledger.sent(index, crc32(value));
  // One in ten has no key: its client chooses where it goes.
  const key = dice(10) === 0 ? "" : `${index}-${dice(keyCount)}`;
  return `${topic}\t${key}\t${value}\n`;
}
