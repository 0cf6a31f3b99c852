import { errorCodes } from "../../protocol/errors.ts";
import {
  describeLogDirsRequest,
  describeLogDirsResponse,
} from "../../protocol/messages/describe-log-dirs.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";

// Versions 0-5: one directory a broker; sizes are of the records retained, wherever in the log's files they lie. v4: bytes free, and those
// plus our own as the total (KIP-827). v5: cordoned directories (KIP-1066), of which there are none.
export const describeLogDirs = kafkaApi(
  describeLogDirsRequest,
  describeLogDirsResponse,
  { versions: [0, 5] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const wanted =
      request.topics === null
        ? null
        : new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
    const topics = [];
    for (const { topic, partitions } of services.topics.all()) {
      const isWanted = wanted === null || wanted.has(topic.name);
      if (topic.clusterId !== clusterId || !isWanted) continue;
      const indexes = wanted?.get(topic.name);
      const shown = partitions.flatMap((partition) => {
        if (partition === undefined || (indexes !== undefined && !indexes.has(partition.index)))
          return [];
        return [
          {
            partitionIndex: partition.index,
            partitionSize: partition.log.sizeBytes,
            offsetLag: 0,
            isFutureKey: false,
          },
        ];
      });
      if (shown.length > 0) topics.push({ name: topic.name, partitions: shown });
    }
    const usableBytes = await services.store.freeBytes();
    const totalBytes = usableBytes + services.store.statistics().sizeOnDisk;
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      results: [
        {
          errorCode: errorCodes.NONE,
          logDir: services.logDirectory,
          topics,
          totalBytes,
          usableBytes,
          isCordoned: false,
        },
      ],
    };
  },
);
