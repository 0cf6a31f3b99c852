// What the soak checks with: everything that was sent, acknowledged, seen by a reader and committed by a group, held against what is stored at the end.

export type ViolationKind =
  /** Acknowledged, and not there. */
  | "lost"
  /** There, and never sent; or not as it was sent. */
  | "phantom"
  | "altered"
  /** There twice, or behind a later one, though its producer is idempotent. */
  | "duplicated"
  | "reordered"
  /** An offset showed two records. */
  | "moved"
  /** An offset below the log end shows nothing. */
  | "gap"
  /** A group's offset lies below one whose commit was acknowledged, or below one that was read before. */
  | "commitWentBack"
  /** A group committed past a record that none of its members was given. */
  | "skipped";

export type Place = { readonly topic: string; readonly partition: number; readonly offset: number };

/** What a reader says of a record: its id and a checksum of its value. */
export type Sighting = Place & { readonly id: string; readonly sum: number };

export type Totals = {
  readonly sent: number;
  readonly acknowledged: number;
  /** The client gave up, or said nothing to the end: may be stored or not. */
  readonly unknown: number;
  readonly stored: number;
  readonly sightings: number;
  readonly commits: number;
  /** Stored twice by producers that are not idempotent, which may. */
  readonly repeated: number;
};

export type Violations = {
  readonly counts: Readonly<Partial<Record<ViolationKind, number>>>;
  /** By kind and by whose record it was, where that is known: a client that breaks its own promise is told from a broker that does. */
  readonly byWhom: Readonly<Record<string, number>>;
  /** The first of each of those, in words. */
  readonly examples: readonly string[];
};

export type WriterOptions = { readonly name: string; readonly isIdempotent: boolean };

type Writer = WriterOptions & {
  readonly index: number;
  readonly sums: number[];
  readonly states: number[];
  /** The number of the log in which each record was first known to stand, and its offset there; -1 while unknown. */
  readonly logs: number[];
  readonly offsets: number[];
};

/** One partition: what each offset shows. */
type Log = {
  readonly topic: string;
  readonly partition: number;
  readonly number: number;
  readonly codes: number[];
  start: number;
  end: number;
  /** By writer: the last record stored, in the order of offsets. */
  readonly last: Map<number, number>;
};

type GroupLog = { floor: number; delivered: Uint8Array };

const bits = { acknowledged: 1, stored: 2 } as const;
const maxExamples = 5;
/** Further ahead of everything known no client and no loss could be: a recovery has left a gap. */
const maxJump = 100_000_000;
const nothing = -1;

export class Ledger {
  readonly #writers: Writer[] = [];
  readonly #logs = new Map<string, Log>();
  readonly #byNumber: Log[] = [];
  /** By group, then log. */
  readonly #groups = new Map<string, Map<Log, GroupLog>>();
  readonly #counts: Partial<Record<ViolationKind, number>> = {};
  readonly #byWhom: Record<string, number> = {};
  readonly #examples: string[] = [];
  readonly #totals = { sent: 0, acknowledged: 0, stored: 0, sightings: 0, commits: 0, repeated: 0 };

  get totals(): Totals {
    return { ...this.#totals, unknown: this.#totals.sent - this.#totals.acknowledged };
  }

  get violations(): Violations {
    return { counts: this.#counts, byWhom: this.#byWhom, examples: this.#examples };
  }

  addWriter(options: WriterOptions): number {
    const index = this.#writers.length;
    this.#writers.push({ ...options, index, sums: [], states: [], logs: [], offsets: [] });
    return index;
  }

  /** The next id of a writer; it is the value's first word. */
  nextId(writerIndex: number): string {
    return `${writerIndex}.${this.#writers[writerIndex]?.sums.length ?? 0}`;
  }

  /** Before the client gets it: what comes back must be known. */
  sent(writerIndex: number, sum: number): void {
    const writer = this.#writers[writerIndex];
    if (writer === undefined) throw new RangeError(`no writer ${writerIndex}`);
    writer.sums.push(sum);
    writer.states.push(0);
    writer.logs.push(nothing);
    writer.offsets.push(nothing);
    this.#totals.sent++;
  }

  /** An offset of -1: the client was told that it is stored, and not where (a repeated request, answered from memory). */
  acknowledged(id: string, { topic, partition, offset }: Place): void {
    const record = this.#find(id);
    if (record === null) return this.#violation("phantom", `${id} acknowledged, never sent`);
    const { writer, sequence } = record;
    if (((writer.states[sequence] ?? 0) & bits.acknowledged) === 0) this.#totals.acknowledged++;
    writer.states[sequence] = (writer.states[sequence] ?? 0) | bits.acknowledged;
    const log = this.#log(topic, partition);
    if (offset >= 0) this.#stands(record, log, offset);
    else if (writer.logs[sequence] === nothing) writer.logs[sequence] = log.number;
  }

  /** A reader was given a record; `group` if on a group's behalf. */
  seen(sighting: Sighting, group: string | null = null): void {
    this.#totals.sightings++;
    const log = this.#log(sighting.topic, sighting.partition);
    const record = this.#checked(sighting);
    if (record !== null) this.#stands(record, log, sighting.offset);
    if (group !== null) deliver(this.#groupLog(group, log), sighting.offset);
  }

  /** At the end, each partition's records in the order of their offsets. */
  stored(sighting: Sighting): void {
    this.#totals.stored++;
    const log = this.#log(sighting.topic, sighting.partition);
    const { offset } = sighting;
    if (offset !== log.end && log.end !== nothing)
      this.#violation("gap", `${name(log)} has nothing from ${log.end} to ${offset - 1}`);
    log.end = offset + 1;
    const record = this.#checked(sighting);
    if (record === null) return;
    this.#stands(record, log, offset);
    this.#inOrder(record, log, offset);
    const { writer, sequence } = record;
    writer.states[sequence] = (writer.states[sequence] ?? 0) | bits.stored;
  }

  /** At the end, before a partition's records, and again when its start has moved meanwhile: where they begin and end. What lay before may be gone. */
  bounds(topic: string, partition: number, { start, end }: { start: number; end: number }): void {
    const log = this.#log(topic, partition);
    if (log.codes.length > end)
      this.#violation("lost", `${name(log)} ends at ${end}, ${log.codes.length - 1} was shown`);
    log.start = start;
    log.end = Math.max(log.end, start);
  }

  /** A group's member was told that its commit is done. */
  committed(group: string, { topic, partition, offset }: Place): void {
    this.#totals.commits++;
    const log = this.#groupLog(group, this.#log(topic, partition));
    log.floor = Math.max(log.floor, offset);
  }

  /** What a group's offsets must not be below if they are asked for from now on; by `topic:partition`. */
  floors(group: string): Map<string, number> {
    const logs = [...(this.#groups.get(group) ?? [])];
    return new Map(logs.map(([log, { floor }]) => [name(log), floor]));
  }

  /** A group's offset as the broker told it after `floors` was taken; -1 for none. */
  fetched(group: string, { topic, partition, offset }: Place, floors: Map<string, number>): void {
    const log = this.#log(topic, partition);
    const floor = floors.get(name(log)) ?? nothing;
    if (offset < floor)
      this.#violation(
        "commitWentBack",
        `${group} ${name(log)}: ${offset}, it was ${floor} before`,
        group,
      );
    const groupLog = this.#groupLog(group, log);
    groupLog.floor = Math.max(groupLog.floor, offset);
  }

  /** When everything stored has been told: what is missing. */
  conclude(): void {
    for (const writer of this.#writers)
      for (const [sequence, state] of writer.states.entries())
        if (state === bits.acknowledged) this.#missing(writer, sequence);
    for (const [group, logs] of this.#groups)
      for (const [log, { floor, delivered }] of logs)
        for (let offset = log.start; offset < floor; offset++)
          if (delivered[offset] !== 1) {
            this.#violation(
              "skipped",
              `${group} ${name(log)}: ${offset} of ${floor} not given`,
              group,
            );
            break;
          }
  }

  #missing(writer: Writer, sequence: number): void {
    const log = this.#byNumber[writer.logs[sequence] ?? nothing];
    const offset = writer.offsets[sequence] ?? nothing;
    if (log === undefined) throw new Error("acknowledged nowhere");
    // Its topic keeps only the newest records; without its offset nobody can tell that it was not among the older ones.
    if (offset < log.start && log.start > 0) return;
    const where = `${name(log)}:${offset === nothing ? "unknown" : offset}`;
    const what = `${writer.name} ${writer.index}.${sequence}, acknowledged at ${where}`;
    this.#violation("lost", what, writer.name);
  }

  #checked(sighting: Sighting): Found | null {
    const record = this.#find(sighting.id);
    const at = `${sighting.topic}:${sighting.partition}:${sighting.offset}`;
    if (record === null) this.#violation("phantom", `${at} is ${sighting.id}, never sent`);
    else if (record.writer.sums[record.sequence] !== sighting.sum)
      this.#violation("altered", `${at} is not as ${sighting.id} was sent`, record.writer.name);
    return record;
  }

  #find(id: string): Found | null {
    const [writerIndex, sequence] = id.split(".").map(Number);
    const writer = this.#writers[writerIndex ?? nothing];
    if (writer === undefined || sequence === undefined) return null;
    return writer.sums[sequence] === undefined ? null : { writer, sequence };
  }

  #log(topic: string, partition: number): Log {
    const key = `${topic}:${partition}`;
    const known = this.#logs.get(key);
    if (known !== undefined) return known;
    const number = this.#byNumber.length;
    const log = { topic, partition, number, codes: [], start: 0, end: nothing, last: new Map() };
    this.#logs.set(key, log);
    this.#byNumber.push(log);
    return log;
  }

  #groupLog(group: string, log: Log): GroupLog {
    let logs = this.#groups.get(group);
    if (logs === undefined) this.#groups.set(group, (logs = new Map<Log, GroupLog>()));
    let groupLog = logs.get(log);
    if (groupLog === undefined)
      logs.set(log, (groupLog = { floor: nothing, delivered: new Uint8Array(1024) }));
    return groupLog;
  }

  /** One record an offset, one offset a record. */
  #stands({ writer, sequence }: Found, log: Log, offset: number): void {
    const code = writer.index * 2 ** 32 + sequence;
    if (offset > log.codes.length + maxJump) {
      const from = `${name(log)} goes on at ${offset}`;
      return this.#violation("gap", `${from}, ${log.codes.length} were known`, writer.name);
    }
    while (log.codes.length < offset) log.codes.push(nothing);
    const before = log.codes[offset] ?? nothing;
    if (before !== nothing && before !== code)
      this.#violation(
        "moved",
        `${name(log)}:${offset} was ${idOf(before)}, now ${idOf(code)}`,
        writer.name,
      );
    if (before === code) return;
    log.codes[offset] = code;
    const firstOffset = writer.offsets[sequence] ?? nothing;
    if (firstOffset === nothing) {
      writer.logs[sequence] = log.number;
      writer.offsets[sequence] = offset;
    } else if (writer.isIdempotent) {
      const first = this.#byNumber[writer.logs[sequence] ?? nothing];
      const places = `${first && name(first)}:${firstOffset} and ${name(log)}:${offset}`;
      this.#violation("duplicated", `${writer.name} ${idOf(code)} at ${places}`, writer.name);
    } else this.#totals.repeated++;
  }

  #inOrder({ writer, sequence }: Found, log: Log, offset: number): void {
    const last = log.last.get(writer.index) ?? nothing;
    if (writer.isIdempotent && sequence < last)
      this.#violation(
        "reordered",
        `${writer.name} ${writer.index}.${sequence} at ${name(log)}:${offset}, behind ${last}`,
        writer.name,
      );
    log.last.set(writer.index, Math.max(last, sequence));
  }

  #violation(kind: ViolationKind, text: string, whom = "whose is unknown"): void {
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
    const key = `${kind}, ${whom}`;
    const count = (this.#byWhom[key] ?? 0) + 1;
    this.#byWhom[key] = count;
    if (count <= maxExamples) this.#examples.push(`${kind}: ${text}`);
  }
}

type Found = { readonly writer: Writer; readonly sequence: number };

const name = ({ topic, partition }: Log): string => `${topic}:${partition}`;

const idOf = (code: number): string => `${Math.floor(code / 2 ** 32)}.${code % 2 ** 32}`;

function deliver(groupLog: GroupLog, offset: number): void {
  if (offset >= groupLog.delivered.length) {
    const larger = new Uint8Array(Math.max(offset + 1, groupLog.delivered.length * 2));
    larger.set(groupLog.delivered);
    groupLog.delivered = larger;
  }
  groupLog.delivered[offset] = 1;
}
