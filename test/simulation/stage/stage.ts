import { defaultCellConfig } from "../../../broker/cell/cell-config.ts";
import { incrementalAlterConfigs } from "../../../metadata/commands/alter-configs.ts";
import { alterPartitionReassignments } from "../../../metadata/commands/alter-partition-reassignments.ts";
import type { Command } from "../../../metadata/commands/command.ts";
import { deleteTopic } from "../../../metadata/commands/delete-topics.ts";
import { electLeaders } from "../../../metadata/commands/elect-leaders.ts";
import type { NewTopic } from "../../../metadata/commands/create-topics.ts";
import type { Partition } from "../../../metadata/image/image.ts";
import type { Maintained } from "../../../metadata/log/maintenance.ts";
import { openMetadataReplica } from "../../../metadata/log/replica.ts";
import type { BrokerNode } from "../cell/broker-node.ts";
import { isWorldly, watchedLog } from "../cell/bug-watch.ts";
import { cellName } from "../cell/broker-node.ts";
import type { ReplicaView } from "../cell/replica-view.ts";
import type { SimCell } from "../cell/sim-cell.ts";
import { createProcessClock } from "../machine/process-clock.ts";
import type { SimHost } from "../machine/sim-host.ts";
import { SimProcess } from "../machine/sim-process.ts";
import type { History } from "../history/history.ts";
import { Promises } from "../scenario/promises.ts";
import type { TopicPlan } from "../scenario/workload.ts";
import { Workload } from "../scenario/workload.ts";
import type { World } from "../world/world.ts";
import { Load, type LoadOptions } from "./load.ts";
import { Probe } from "./probe.ts";
import { WireTap } from "./wire-tap.ts";

/** How long anything that must come to pass may take. */
const patienceMs = 180_000;

/** What a script does things to, and looks at. Names are those of replication.md. */
export class Stage {
  readonly cell: SimCell;
  readonly world: World;
  readonly promises: Promises;
  readonly workload: Workload;
  readonly wire: WireTap;
  #probe: Probe | null = null;
  #clusterId = "";
  readonly #loads: Load[] = [];
  /** What is broken, and how it is mended. */
  readonly #mends = new Set<() => void>();
  /** Nodes that are not to come back. */
  readonly #gone = new Set<BrokerNode>();
  readonly #ids = new Map<BrokerNode, number>();
  #clientCount = 0;

  constructor(cell: SimCell, topics: readonly TopicPlan[]) {
    this.cell = cell;
    this.world = cell.world;
    this.promises = new Promises(cell);
    const clients = { producers: [], consumers: [], members: [], listers: [] };
    const plan = { topics, ...clients, rereaders: [], trimmers: [] };
    this.workload = new Workload(cell, plan, this.promises);
    this.wire = new WireTap(cell.network);
    cell.onRun({
      serves: (run) => {
        if (run.view !== null) this.#ids.set(run.node, run.view.brokerId);
      },
    });
  }

  get history(): History {
    return this.workload.history;
  }

  get nowMs(): number {
    return this.world.nowMs;
  }

  get nodes(): readonly BrokerNode[] {
    return this.cell.brokers;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  /** A client that asks one broker one thing. */
  get probe(): Probe {
    this.#probe ??= new Probe(this, this.cell.addClient("probe"));
    return this.#probe;
  }

  /** Everything is there, in sync, and somebody is in office. */
  async open(): Promise<void> {
    this.#clusterId = await this.finished("the cell to start", this.cell.start());
    await this.finished("topics to be made", this.workload.start(this.#clusterId));
    await this.until("a controller", () => this.cell.truth.image.controller.brokerId !== null);
    await this.untilInSync();
    // A new controller fences nobody before it has listened for a session.
    await this.pass(defaultCellConfig.sessionMs + 500);
  }

  /** Mends what is broken, waits until all serve, ends the load and reads everything back. */
  async close(): Promise<void> {
    this.world.trace(() => "the script is over");
    for (const mend of Array.from(this.#mends)) mend();
    this.wire.letGo();
    const { service } = this.cell.metadata;
    service.meddler = null;
    this.cell.objects.service.meddler = null;
    this.cell.objects.service.setSlow(null);
    const staying = this.nodes.filter((node) => !this.#gone.has(node));
    const serving = Promise.all(staying.map((node) => node.start()));
    await this.finished("every broker to serve again", serving);
    const ended = Promise.all(this.#loads.map((load) => load.stop()));
    await this.finished("the load to end", ended);
    const { workload } = this;
    await this.finished("everything to be read back", workload.readBack(this.#clusterId));
  }

  // Time.

  pass(durationMs: number): Promise<void> {
    return this.world.run({ untilMs: this.world.nowMs + durationMs });
  }

  /** Runs on until it is so; the simulated time that took. */
  async until(what: string, isSo: () => boolean, limitMs: number = patienceMs): Promise<number> {
    const fromMs = this.world.nowMs;
    let isReached = isSo();
    await this.world.run({
      untilMs: fromMs + limitMs,
      until: () => (isReached ||= isSo()),
    });
    if (!isReached) throw new Error(`after ${limitMs} ms at ${this.world.nowMs}: not yet ${what}`);
    return this.world.nowMs - fromMs;
  }

  async finished<T>(what: string, work: Promise<T>, limitMs: number = patienceMs): Promise<T> {
    let isDone = false;
    const note = (): void => void (isDone = true);
    work.then(note, note);
    // Promises that are settled already are noticed without an event.
    await new Promise((resolve) => void setImmediate(resolve));
    await this.until(what, () => isDone, limitMs);
    return work;
  }

  /** What a client that asks one thing is told. */
  answer<T>(asking: Promise<T>): Promise<T> {
    return this.finished("an answer", asking);
  }

  // Who is who.

  idOf(node: BrokerNode): number {
    const id = this.#ids.get(node);
    if (id === undefined) throw new Error(`${node.name} has never served`);
    return id;
  }

  nodeOf(brokerId: number): BrokerNode {
    const found = this.nodes.find((node) => this.#ids.get(node) === brokerId);
    if (found === undefined) throw new Error(`no node is broker ${brokerId}`);
    return found;
  }

  /** As the metadata log has it, whoever has heard of it. */
  partition(topic = "orders", index = 0): Partition {
    for (const { name, partitions } of this.cell.truth.image.topics.values()) {
      if (name === topic && partitions[index] !== undefined) return partitions[index];
    }
    throw new Error(`there is no partition ${index} of ${topic}`);
  }

  topicId(name = "orders"): string {
    const { topics } = this.cell.truth.image;
    const found = [...topics.values()].find((topic) => topic.name === name);
    if (found === undefined) throw new Error(`there is no topic ${name}`);
    return found.topicId;
  }

  leader(topic?: string, index?: number): BrokerNode {
    return this.nodeOf(this.partition(topic, index).leader);
  }

  followers(topic?: string, index?: number): BrokerNode[] {
    const { replicas, leader } = this.partition(topic, index);
    return replicas.filter((id) => id !== leader).map((id) => this.nodeOf(id));
  }

  get controller(): BrokerNode {
    const { brokerId } = this.cell.truth.image.controller;
    if (brokerId === null) throw new Error("nobody is in office");
    return this.nodeOf(brokerId);
  }

  others(...nodes: readonly BrokerNode[]): BrokerNode[] {
    return this.nodes.filter((node) => !nodes.includes(node));
  }

  stateOf(node: BrokerNode): string | undefined {
    return this.cell.truth.image.brokers.get(this.idOf(node))?.state;
  }

  /** Grows by every broker that is not in service after an entry from now on. */
  outOfService(): ReadonlySet<number> {
    const found = new Set<number>();
    this.cell.truth.onEntry(({ image }) => {
      for (const { brokerId, state } of image.brokers.values())
        if (state !== "active") found.add(brokerId);
    });
    return found;
  }

  /** What a running broker holds. */
  replica(node: BrokerNode, topic = "orders", index = 0): ReplicaView {
    const found = node.serving?.view?.replica(this.topicId(topic), index);
    if (found === undefined) throw new Error(`${node.name} holds no replica of ${topic}`);
    return found;
  }

  isInSync(topic?: string, index?: number): boolean {
    const { leader, isr, replicas, adding } = this.partition(topic, index);
    return leader !== -1 && isr.length === replicas.length && adding.length === 0;
  }

  /** A broker that runs acts as its leader in the log's epoch, with enough others in sync for two copies. */
  isWritable(topic?: string, index?: number): boolean {
    const { leader, leaderEpoch, isr } = this.partition(topic, index);
    if (leader === -1 || isr.length < 2) return false;
    const { serving } = this.nodeOf(leader);
    if (serving?.process.isRunning !== true) return false;
    const { isLeader, leaderEpoch: led } = this.replica(this.nodeOf(leader), topic, index);
    return isLeader && led === leaderEpoch;
  }

  /** Every replica of every partition. */
  untilInSync(limitMs?: number): Promise<number> {
    return this.until("everybody in sync", () => this.#isAllInSync(), limitMs);
  }

  #isAllInSync(): boolean {
    for (const { partitions, name } of this.cell.truth.image.topics.values())
      for (const { index } of partitions) if (!this.isInSync(name, index)) return false;
    return true;
  }

  /** Makes a broker that is in sync the preferred leader, and leader. */
  async lead(node: BrokerNode, topic = "orders", index = 0): Promise<void> {
    const id = this.idOf(node);
    const clusterId = this.#clusterId;
    const { replicas } = this.partition(topic, index);
    await this.reassign([id, ...replicas.filter((each) => each !== id)], topic, index);
    const request = {
      clusterId,
      electionType: "preferred",
      partitions: [{ topic, index }],
    } as const;
    await this.submit((image, context) => electLeaders(image, request, context));
    await this.until(`${node.name} to lead`, () => this.replica(node, topic, index).isLeader);
  }

  /** Begins to move a partition to these replicas, the preferred leader first. */
  async reassign(replicas: readonly number[], topic = "orders", index = 0): Promise<void> {
    const clusterId = this.#clusterId;
    const topics = [{ name: topic, partitions: [{ index, replicas }] }];
    await this.submit((image, context) =>
      alterPartitionReassignments(image, { clusterId, topics }, context),
    );
  }

  /** Sees to it that leader and controller are two, so that each can be done something to alone. */
  async leaderApart(topic = "orders", index = 0): Promise<BrokerNode> {
    if (this.leader(topic, index) === this.controller) {
      await this.lead(this.followers(topic, index)[0]!, topic, index);
    }
    return this.leader(topic, index);
  }

  async configure(name: string, value: string, topic = "orders"): Promise<void> {
    const resource = { kind: "topic", name: topic } as const;
    const changes = [{ name, operation: "SET", value }] as const;
    const request = { clusterId: this.#clusterId, resources: [{ resource, changes }] };
    await this.submit((image, context) => incrementalAlterConfigs(image, request, context));
  }

  async deleteTopic(name: string): Promise<void> {
    const request = { clusterId: this.#clusterId, topic: { name } };
    await this.submit((image, context) => deleteTopic(image, request, context));
  }

  /** What an operator asks of the control plane. */
  submit<Result, Code extends string>(command: Command<Result, Code>): Promise<Result> {
    return this.finished("a change of metadata", this.cell.control.submit(command));
  }

  async createTopic(topic: NewTopic): Promise<string> {
    return this.finished("a topic", this.cell.control.createTopic(this.#clusterId, topic));
  }

  // Clients.

  /** A producer that goes on until the end. */
  load(options: Partial<LoadOptions> = {}): Load {
    const number = ++this.#clientCount;
    const load = new Load(this, this.cell.addClient(`producer-${number}`), { number, ...options });
    this.#loads.push(load);
    return load;
  }

  // What is done to them.

  /** kill -9, and nobody starts it again until `node.start()`. */
  kill(node: BrokerNode): void {
    node.kill({ isRestarted: false });
  }

  /** It never comes back. */
  lose(node: BrokerNode): void {
    this.#gone.add(node);
    node.kill({ isRestarted: false });
    node.host.crash();
  }

  crash(node: BrokerNode): () => void {
    node.host.crash();
    return this.mend(() => node.host.boot());
  }

  pause(node: BrokerNode): () => void {
    node.pause();
    return this.mend(() => node.resume());
  }

  /** Nothing gets from one to the other until it is mended. */
  cutOneWay(from: SimHost, to: SimHost): () => void {
    this.world.trace(() => `${from.name} does not reach ${to.name}`);
    return this.mend(this.cell.network.block(from, to));
  }

  cut(one: SimHost, other: SimHost): () => void {
    const mends = [this.cutOneWay(one, other), this.cutOneWay(other, one)];
    return () => mends.forEach((mend) => mend());
  }

  /** The metadata log, and the object store with it: what is reached through AWS's own network. */
  cutFromLog(...nodes: readonly BrokerNode[]): () => void {
    const { metadata, objects } = this.cell;
    const mends = nodes.flatMap(({ host }) => [
      this.cut(host, metadata.service.host),
      this.cut(host, objects.service.host),
    ]);
    return () => mends.forEach((mend) => mend());
  }

  cutFromBrokers(node: BrokerNode): () => void {
    const mends = this.others(node).map((other) => this.cut(node.host, other.host));
    return () => mends.forEach((mend) => mend());
  }

  logOutage(): () => void {
    const { service } = this.cell.metadata;
    service.setOut(true);
    return this.mend(() => service.setOut(false));
  }

  /** To be called once, now or at the end of the script. */
  mend(end: () => void): () => void {
    const once = (): void => {
      if (this.#mends.delete(once)) end();
    };
    this.#mends.add(once);
    return once;
  }

  /** Snapshots the metadata log and trims it up to its head, as the controller would after a thousand entries. */
  async trimMetadataLog({ isTriedAgain = false } = {}): Promise<void> {
    const { cell, world } = this;
    const process = new SimProcess(world, cell.addHost("trimmer", "region"), "trimmer");
    const replica = await this.finished(
      "the metadata log to be read",
      openMetadataReplica({
        log: cell.metadata.open(process),
        objects: cell.objects.attach(process),
        clock: createProcessClock(world, process),
        random: world.stream("random trimmer"),
        output: watchedLog(world, "trimmer"),
        cell: cellName,
        snapshotEvery: 1,
        trimMargin: 0,
      }),
    );
    const maintain = async (): Promise<Maintained> => {
      for (;;) {
        try {
          return await replica.maintain();
        } catch (error) {
          if (!isTriedAgain || !isWorldly(error)) throw error;
        }
      }
    };
    // Two snapshots stand before anything leaves the log.
    for (let round = 0; round < 3; round++) {
      await this.finished("a snapshot", maintain());
      // Any entry will do.
      await this.finished(
        "an entry",
        cell.control.ensureCluster(`filling-${round}-${cell.metadata.head}`),
      );
      await this.finished("the log to be read", replica.readToHead());
    }
    const { trimmedBefore } = await this.finished("a trim", maintain());
    if (trimmedBefore < 3) throw new Error("the metadata log was not trimmed");
    process.kill();
  }
}
