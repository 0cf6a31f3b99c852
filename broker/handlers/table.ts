import type { BrokerServices } from "../services.ts";
import { apiVersions } from "./api-versions.ts";
import type { KafkaApi } from "./kafka-api.ts";

// Every Kafka API this broker serves, by key. The router, ApiVersions, docs/compatibility.md and the fuzz test read this list; to add an API, write
// its handler and a line here.

const apis: readonly KafkaApi<BrokerServices>[] = [];

export const kafkaApis: readonly KafkaApi<BrokerServices>[] = [...apis, apiVersions(apis)];
