import { createDynamoMetadataLog } from "../../adapters/dynamodb/metadata-log.ts";
import { createSeededRandom } from "../../adapters/memory/random.ts";
import { createCluster } from "../../metadata/commands/cluster-commands.ts";
import { accepted } from "../../metadata/commands/command.ts";
import type { Command } from "../../metadata/commands/command.ts";
import { createTopics } from "../../metadata/commands/create-topics.ts";
import { limits } from "../../metadata/limits.ts";
import { maxMetadataLevel } from "../../metadata/records/table.ts";
import { createScaleBroker, startBroker } from "./broker.ts";
import { controllerOf, createScaleCell, during, isKnownToAll, pass } from "./cell.ts";
import type { ScaleCell, ScaleCellOptions } from "./cell.ts";
import { replicationFactor, zones } from "./cell-size.ts";
import type { CellSize } from "./cell-size.ts";
import { openSharedReplica } from "./replica.ts";
import type { SharedReplica } from "./replica.ts";

/** A cell as its users would have made it: brokers register, topics are created through the control plane, as many at a time as a request may. */
export async function buildCell(size: CellSize, options: ScaleCellOptions): Promise<ScaleCell> {
  const cell = createScaleCell(options);
  const controlPlane = openControlPlane(cell);
  await during(cell, controlPlane.submit("createCell", genesisAt(options.level)));
  for (let index = 0; index < size.brokers; index++) {
    const broker = createScaleBroker(String(index + 1), zones[index % zones.length] ?? "a");
    cell.brokers.push(broker);
    await during(cell, startBroker(cell, broker));
  }
  await createAll(cell, controlPlane, size);
  controlPlane.close();
  const isReady = () => controllerOf(cell) !== undefined && isKnownToAll(cell);
  if ((await pass(cell, 60_000, isReady)) === null) throw new Error("the cell does not settle");
  return cell;
}

/** As a cell that was made at an earlier level, and has brokers that know no later one. */
function genesisAt(level = maxMetadataLevel): Command<unknown> {
  return (_, context) => {
    const { nowMs: createdAtMs } = context;
    return accepted([{ kind: "genesis", cellId: context.uuid(), level, createdAtMs }], null);
  };
}

async function createAll(
  cell: ScaleCell,
  controlPlane: SharedReplica,
  { topics, partitionsPerTopic }: CellSize,
): Promise<void> {
  const created = await during(
    cell,
    controlPlane.submit("createCluster", (image, context) =>
      createCluster(image, { name: "dev" }, context),
    ),
  );
  if (created.kind === "rejected") throw new Error(created.message);
  const { clusterId } = created.result;
  const perRequest = Math.max(1, Math.floor(limits.newPartitionsPerRequest / partitionsPerTopic));
  for (let first = 0; first < topics; first += perRequest) {
    const count = Math.min(perRequest, topics - first);
    const request = {
      clusterId,
      topics: Array.from({ length: count }, (_, index) => ({
        name: `topic-${first + index}`,
        partitionCount: partitionsPerTopic,
        replicationFactor,
      })),
    };
    const submitted = await during(
      cell,
      controlPlane.submit("createTopics", (image, context) =>
        createTopics(image, request, context),
      ),
    );
    if (submitted.kind === "rejected") throw new Error(submitted.message);
    const refused = submitted.result.find(({ kind }) => kind !== "done");
    if (refused !== undefined) throw new Error(JSON.stringify(refused));
  }
}

function openControlPlane(cell: ScaleCell): SharedReplica {
  const { clock, images, meter, notes, spend } = cell;
  const random = createSeededRandom(cell.nextSeed());
  const client = cell.dynamo.client();
  const log = createDynamoMetadataLog({ client, clock, random, tableName: "metadata", cell: "c" });
  const onApplied = () => undefined;
  return openSharedReplica({ log, clock, random, images, meter, notes, spend, onApplied });
}
