import type {
  BrokerLoss as BrokerLossResource,
  Cell as CellResource,
  CellBroker as CellBrokerResource,
  MoveReplicasRequest,
  Operation as OperationResource,
  OperationList,
} from "../../../functions/api-types.ts";
import type { HttpClient } from "./http-client.ts";
import { allPages } from "./pages.ts";

/** A partition that is not well, as the cell names its worst. */
export type UnhealthyPartition = {
  /** Name of its cluster. */
  cluster: string;
  topic: string;
  partition: number;
  problem: "offline" | "under_min_isr" | "under_replicated";
  leader: number | null;
  replicas: number[];
  inSync: number[];
  /** Brokers whose return gives it its leader back. */
  waitsFor: number[];
};

export type BrokerDescription = {
  id: number;
  state: "fenced" | "active" | "draining";
  zone: string;
  host: string;
  port: number;
  isController: boolean;
  /** Its disk was given up. */
  isLost: boolean;
  leaders: number;
  replicas: number;
  /** Replicas of its that are not in sync, but for those just being made. */
  outOfSync: number;
  registeredAt: Date;
  /** The operation by which it is emptied. */
  drain: string | null;
};

export type OperationDescription = {
  id: string;
  kind: "drain" | "move" | "sleep";
  state: "running" | "blocked" | "done" | "canceled";
  progress: { done: number; total: number; unit: "partitions" | "replicas" };
  /** Why it does not go on. */
  error: string | null;
  /** Of a drain. */
  broker: number | null;
  /** Of a move. */
  partition: { clusterId: string; topic: string; partition: number; replicas: number[] } | null;
};

export type CellStatus = {
  id: string;
  version: string;
  state: "ready" | "waiting_for_brokers" | "falling_asleep" | "asleep";
  controller: number | null;
  clusters: number;
  topics: number;
  partitions: number;
  offline: number;
  underMinIsr: number;
  underReplicated: number;
  moving: number;
  /** The worst partitions, a few. */
  unhealthy: UnhealthyPartition[];
  brokers: BrokerDescription[];
};

/** What declaring a broker lost gives up. */
export type BrokerLoss = {
  broker: number;
  replicas: number;
  waiting: number;
  lastCopies: number;
  /** The first of the partitions that wait for it, last copies first. */
  partitions: {
    cluster: string;
    topic: string;
    partition: number;
    isLastCopy: boolean;
    otherMembers: number[];
  }[];
  /** For `declareLost`: the word that this was seen. */
  confirmation: string;
  isDone: boolean;
};

export type MoveOptions = {
  clusterId: string;
  topic: string;
  /** The brokers of each partition, preferred leader first; null takes its move back. */
  assignments: { partition: number; replicas: number[] | null }[];
  /** False refuses another number of replicas than the partition has. */
  allowReplicationFactorChange?: boolean;
};

/** The fleet behind the clusters, for those who operate it. Every method rejects with MyelinError. */
export type CellControl = {
  status(): Promise<CellStatus>;
  /** All that is under way: sleep, drains, and moves whoever began them. */
  operations(): Promise<OperationDescription[]>;
  operation(id: string): Promise<OperationDescription>;
  /** Takes an operation back that is not done. */
  cancel(id: string): Promise<OperationDescription>;
  /** Brings all to the object store and lets the brokers stop: done when the cell sleeps. */
  sleep(): Promise<OperationDescription>;
  /** Ends the cell's sleep, or takes it back; brokers are started elsewhere, and wake it themselves. */
  wake(): Promise<CellStatus>;
  /** Empties a broker: done when it holds nothing any more. */
  drain(broker: number): Promise<OperationDescription>;
  undrain(broker: number): Promise<BrokerDescription>;
  move(options: MoveOptions): Promise<OperationDescription[]>;
  /** What would be lost; changes nothing. */
  lossOf(broker: number): Promise<BrokerLoss>;
  declareLost(broker: number, confirmation: string): Promise<BrokerLoss>;
  /** Forgets a broker that is out of service and holds nothing. */
  unregister(broker: number): Promise<void>;
};

export function createCellControl(http: HttpClient): CellControl {
  const get = <Reply>(path: string) => http.send<Reply>({ method: "GET", path });
  const post = <Reply>(path: string, body?: unknown) =>
    http.send<Reply>({ method: "POST", path, ...(body === undefined ? {} : { body }) });
  const operations = "/v1/cell/operations";
  const operationPath = (id: string): string => `${operations}/${encodeURIComponent(id)}`;
  const brokerPath = (broker: number): string => `/v1/cell/brokers/${broker}`;
  return {
    status: async () => describeCell(await get<CellResource>("/v1/cell")),
    operations: async () => {
      const pages = await allPages(http, operations, { read: operationPage });
      return pages.map(describeOperation);
    },
    operation: async (id) => describeOperation(await get<OperationResource>(operationPath(id))),
    cancel: async (id) =>
      describeOperation(await post<OperationResource>(`${operationPath(id)}:cancel`)),
    sleep: async () => describeOperation(await post<OperationResource>("/v1/cell:sleep")),
    wake: async () => describeCell(await post<CellResource>("/v1/cell:wake")),
    drain: async (broker) =>
      describeOperation(await post<OperationResource>(`${brokerPath(broker)}:drain`)),
    undrain: async (broker) =>
      describeBroker(await post<CellBrokerResource>(`${brokerPath(broker)}:undrain`)),
    move: async (options) => {
      const { data } = await post<OperationList>("/v1/cell/moves", moveRequest(options));
      return data.map(describeOperation);
    },
    lossOf: async (broker) => {
      const body = { validate_only: true };
      return describeLoss(
        await post<BrokerLossResource>(`${brokerPath(broker)}:declare-lost`, body),
      );
    },
    declareLost: async (broker, confirmation) => {
      const body = { confirmation };
      return describeLoss(
        await post<BrokerLossResource>(`${brokerPath(broker)}:declare-lost`, body),
      );
    },
    unregister: async (broker) => post(`${brokerPath(broker)}:unregister`),
  };
}

function operationPage({ data, next_page_token: token }: OperationList) {
  const nextPath =
    token === null ? null : `/v1/cell/operations?page_token=${encodeURIComponent(token)}`;
  return { items: data, nextPath };
}

function moveRequest(options: MoveOptions): MoveReplicasRequest {
  return {
    cluster_id: options.clusterId,
    topic_name: options.topic,
    replicas_assignments: options.assignments.map(({ partition, replicas }) => {
      return { partition_id: partition, broker_ids: replicas };
    }),
    allow_replication_factor_change: options.allowReplicationFactorChange ?? true,
  };
}

function describeCell(cell: CellResource): CellStatus {
  return {
    id: cell.id,
    version: cell.version,
    state: cell.state,
    controller: cell.controller_broker_id,
    clusters: cell.clusters_count,
    topics: cell.topics_count,
    partitions: cell.partitions_count,
    offline: cell.offline_partitions_count,
    underMinIsr: cell.under_min_isr_partitions_count,
    underReplicated: cell.under_replicated_partitions_count,
    moving: cell.moving_partitions_count,
    unhealthy: cell.unhealthy_partitions.map((each) => ({
      cluster: each.cluster_name,
      topic: each.topic_name,
      partition: each.partition_id,
      problem: each.problem,
      leader: each.leader,
      replicas: each.replicas,
      inSync: each.in_sync_replicas,
      waitsFor: each.waits_for,
    })),
    brokers: cell.brokers.map(describeBroker),
  };
}

function describeBroker(broker: CellBrokerResource): BrokerDescription {
  return {
    id: broker.id,
    state: broker.state,
    zone: broker.zone,
    host: broker.host,
    port: broker.port,
    isController: broker.is_controller,
    isLost: broker.is_lost,
    leaders: broker.leaders_count,
    replicas: broker.replicas_count,
    outOfSync: broker.out_of_sync_replicas_count,
    registeredAt: new Date(broker.registered_at),
    drain: broker.drain?.operation_id ?? null,
  };
}

function describeOperation(operation: OperationResource): OperationDescription {
  const { id, kind, state, progress, partition } = operation;
  return {
    id,
    kind,
    state,
    progress,
    error: operation.error ?? null,
    broker: operation.broker_id ?? null,
    partition:
      partition === undefined
        ? null
        : {
            clusterId: partition.cluster_id,
            topic: partition.topic_name,
            partition: partition.partition_id,
            replicas: partition.replicas,
          },
  };
}

function describeLoss(loss: BrokerLossResource): BrokerLoss {
  return {
    broker: loss.broker_id,
    replicas: loss.replicas_count,
    waiting: loss.waiting_partitions_count,
    lastCopies: loss.last_copies_count,
    partitions: loss.waiting_partitions.map((each) => ({
      cluster: each.cluster_name,
      topic: each.topic_name,
      partition: each.partition_id,
      isLastCopy: each.is_last_copy,
      otherMembers: each.other_members,
    })),
    confirmation: loss.confirmation,
    isDone: loss.is_done,
  };
}
