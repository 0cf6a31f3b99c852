import type { FleetView, ZoneView } from "../../../../functions/reconcile/fleet-view.ts";
import type { FleetAction } from "../../../../functions/reconcile/planner.ts";

type ModelBroker = {
  readonly brokerId: number;
  readonly zone: number;
  replicas: number;
  isLeaving: boolean;
  age: number;
};

export type ModelOptions = {
  readonly zoneCount: number;
  /** Brokers of each zone at the start. */
  readonly perZone: readonly number[];
  readonly replicationFactor: number;
  /** Brokers that would be full to the last byte. */
  readonly load: number;
  readonly float: () => number;
};

/** ECS and a cell as the planner sees them, a minute a step: tasks come and go, replicas move off what is emptied, and everybody tells the load late. */
export class FleetModel {
  readonly #options: ModelOptions;
  readonly #desired: number[];
  /** For how many minutes yet. */
  readonly #protected = new Map<number, number>();
  #brokers: ModelBroker[] = [];
  #nextId = 1;
  /** What must never be. */
  readonly violations: string[] = [];

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#desired = [...options.perZone];
    for (const [zone, count] of options.perZone.entries())
      for (let index = 0; index < count; index++) this.#start(zone);
    for (const broker of this.#brokers) broker.replicas = 20;
  }

  get openPerZone(): number[] {
    return this.#desired.map(
      (_, zone) => this.#brokers.filter((each) => each.zone === zone && !each.isLeaving).length,
    );
  }

  view(): FleetView {
    const { load, replicationFactor } = this.#options;
    const zones = this.#desired.map((desiredCount, zone): ZoneView => {
      const here = this.#brokers.filter((broker) => broker.zone === zone);
      const shown = (broker: ModelBroker) => ({
        brokerId: broker.brokerId,
        replicaCount: broker.replicas,
        taskArn: `task-${broker.brokerId}`,
      });
      return {
        zone: String(zone),
        serviceName: String(zone),
        desiredCount,
        taskArns: here.map(({ brokerId }) => `task-${brokerId}`),
        open: here.filter(({ isLeaving, age }) => !isLeaving && age > 0).map(shown),
        leaving: here.filter(({ isLeaving }) => isLeaving).map(shown),
        isSettled: here.length === desiredCount && here.every(({ age }) => age > 0),
      };
    });
    return {
      zones,
      demand: {
        atLeast: Math.ceil(load / 0.7),
        atMost: Math.ceil(load / 0.5),
        isKnown: this.#brokers.every(({ age }) => age >= 3),
        isIdle: false,
      },
      needs: {
        replicaCount: replicationFactor,
        unhealthyCount: this.#options.float() < 0.2 ? 1 : 0,
        movingCount: 0,
        partitionCount: 20,
      },
      sleep: "awake",
    };
  }

  apply(action: FleetAction): void {
    if (action.kind === "drain") {
      const broker = this.#brokers.find(({ brokerId }) => brokerId === action.brokerId);
      if (broker !== undefined) broker.isLeaving = true;
      const openCount = this.#brokers.filter(({ isLeaving }) => !isLeaving).length;
      if (openCount < this.#options.replicationFactor)
        this.violations.push(`${openCount} brokers take replicas in`);
      return;
    }
    if (action.kind === "fallAsleep") return void this.violations.push("it was sent to sleep");
    const zone = Number(action.zone);
    if (action.to < action.from && (action.stops === null || action.to !== action.from - 1))
      this.violations.push(`zone ${zone} goes from ${action.from} to ${action.to}`);
    const idOf = (taskArn: string): number => Number(taskArn.slice(5));
    for (const taskArn of action.stops?.keeps ?? []) this.#protected.set(idOf(taskArn), 10);
    for (const taskArn of action.frees) this.#protected.delete(idOf(taskArn));
    this.#desired[zone] = action.to;
  }

  /** A minute later. ECS stops whatever it likes of what is not protected. */
  step(): void {
    for (const broker of this.#brokers) broker.age += 1;
    for (const [zone, desired] of this.#desired.entries()) this.#follow(zone, desired);
    for (const [id, minutes] of this.#protected) {
      if (minutes > 1) this.#protected.set(id, minutes - 1);
      else this.#protected.delete(id);
    }
    const open = this.#brokers.filter(({ isLeaving }) => !isLeaving);
    for (const broker of this.#brokers) {
      const taker = open[Math.floor(this.#options.float() * open.length)];
      if (!broker.isLeaving || taker === undefined) continue;
      const moved = Math.min(broker.replicas, Math.ceil(this.#options.float() * 15));
      broker.replicas -= moved;
      taker.replicas += moved;
    }
  }

  #follow(zone: number, desired: number): void {
    let here = this.#brokers.filter((broker) => broker.zone === zone);
    for (; here.length > desired; here = this.#brokers.filter((each) => each.zone === zone)) {
      const free = here.filter(({ brokerId }) => !this.#protected.has(brokerId));
      const stopped = free[Math.floor(this.#options.float() * free.length)];
      if (stopped === undefined) {
        this.violations.push(`zone ${zone} has a task too many, and every one is protected`);
        return;
      }
      if (stopped.replicas > 0)
        this.violations.push(`broker ${stopped.brokerId} was stopped with ${stopped.replicas}`);
      this.#brokers = this.#brokers.filter((each) => each !== stopped);
    }
    for (let count = here.length; count < desired; count++) this.#start(zone);
  }

  #start(zone: number): void {
    this.#brokers.push({ brokerId: this.#nextId++, zone, replicas: 0, isLeaving: false, age: 0 });
  }
}
