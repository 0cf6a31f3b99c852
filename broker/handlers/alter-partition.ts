import { MetadataLogError } from "../../ports/metadata-log.ts";
import { errorCodes } from "../../protocol/errors.ts";
import { alterPartitionResponse } from "../../protocol/messages/alter-partition.ts";
import {
  alterPartitionRequest,
  alterPartitionVersion,
  answerToWire,
  fromWire,
} from "../replication/alter-partition-message.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";

// From brokers only: a leader asks the controller for another in-sync set. Version 3, with the members' broker epochs (KIP-903).
export const alterPartition = kafkaApi(
  alterPartitionRequest,
  alterPartitionResponse,
  { versions: [alterPartitionVersion, alterPartitionVersion] },
  async (request, { services }: RequestContext<BrokerServices>) => {
    const { metadata, brokerId, controller } = services;
    const refuse = (error: "NOT_CONTROLLER" | "REQUEST_TIMED_OUT") => ({
      throttleTimeMs: 0,
      errorCode: errorCodes[error],
      topics: [],
    });
    if (metadata.image.controller.brokerId !== brokerId) return refuse("NOT_CONTROLLER");
    try {
      return answerToWire(await controller.decide(fromWire(request)));
    } catch (error) {
      if (!(error instanceof MetadataLogError)) throw error;
      // It may have been applied: the leader stays as it is, and reads the log.
      return refuse("REQUEST_TIMED_OUT");
    }
  },
);
