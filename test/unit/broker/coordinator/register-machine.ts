import type { KeyValue } from "../../../../broker/coordinator/coordinator-log.ts";
import type {
  CoordinatorError,
  Decision,
  StateMachine,
  Time,
} from "../../../../broker/coordinator/state-machine.ts";

export type Assignment = { readonly name: string; readonly value: string | null };

/** The least state machine: named values. A name set to "alarm" at a time is deleted by a timer. */
export class RegisterMachine implements StateMachine<Assignment> {
  readonly values = new Map<string, string>();
  readonly abandonedWith: CoordinatorError[] = [];
  isLoaded = false;
  alarm: { atMs: number; name: string } | null = null;

  encode({ name, value }: Assignment): KeyValue {
    return { key: Buffer.from(name), value: value === null ? null : Buffer.from(value) };
  }

  decode({ key, value }: KeyValue): Assignment {
    const name = Buffer.from(key).toString();
    if (name === "unreadable") throw new Error("not a record of this machine");
    return { name, value: value === null ? null : Buffer.from(value).toString() };
  }

  replay({ name, value }: Assignment): void {
    if (value === null) this.values.delete(name);
    else this.values.set(name, value);
  }

  loaded(): void {
    this.isLoaded = true;
  }

  *liveEntries(): Generator<Assignment> {
    for (const name of Array.from(this.values.keys())) {
      const value = this.values.get(name);
      if (value !== undefined) yield { name, value };
    }
  }

  nextTimerMs(): number | null {
    return this.alarm?.atMs ?? null;
  }

  onTimer(time: Time): Decision<Assignment, null> {
    const { alarm } = this;
    if (alarm === null || alarm.atMs > time.nowMs) return { entries: [], reply: null };
    this.alarm = null;
    return { entries: [{ name: alarm.name, value: null }], reply: null };
  }

  abandon(error: CoordinatorError): void {
    this.abandonedWith.push(error);
  }
}

export function replayed(records: readonly KeyValue[]): Map<string, string> {
  const machine = new RegisterMachine();
  for (const record of records) machine.replay(machine.decode(record));
  return machine.values;
}
