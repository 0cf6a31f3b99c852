// Writes the reference pages from the tables the code runs on: `npm run docs`. A unit test fails when a page is not what this would write.
import { writeFileSync } from "node:fs";
import { betweenBrokers, kafkaApis } from "../broker/handlers/table.ts";
import { brokerSettingTable } from "../metadata/settings/broker-settings.ts";
import { costsPage } from "./costs-page.ts";
import { topicSettingTable } from "../metadata/settings/topic-setting-table.ts";

export type Page = { readonly path: string; readonly text: string };

export function pages(): Page[] {
  return [
    { path: "compatibility.md", text: compatibility() },
    { path: "topic-settings.md", text: topicSettings() },
    { path: "broker-settings.md", text: brokerSettings() },
    { path: "operating/costs.md", text: costsPage() },
  ];
}

function compatibility(): string {
  const rows = [...kafkaApis]
    .sort((a, b) => a.key - b.key)
    .map((api) => {
      const { key, name, versions, advertised } = api;
      const served = `${versions[0]}-${versions[1]}`;
      const shown = betweenBrokers.includes(api)
        ? "between brokers only"
        : `${advertised[0]}-${advertised[1]}`;
      return `| ${key} | ${name} | ${served} | ${shown === served ? "" : shown} |`;
    });
  return `# Compatibility

Generated from \`broker/handlers/table.ts\` by \`npm run docs\`.

## Kafka APIs

What is not in this list is not advertised in ApiVersions. Produce 0-2 are advertised, because librdkafka before 2.11 takes their absence for the absence of compression, and refused with UNSUPPORTED_VERSION.

| key | API | versions | advertised, where it differs |
| --- | --- | --- | --- |
${rows.join("\n")}

## Clients

Each is driven by \`test/clients\` through writing with every codec it has and reading, as a member of a group, what all others wrote.

| client | version tested | codecs |
| --- | --- | --- |
| @myelin/sdk | this repository | none, gzip, snappy, lz4, zstd |
| KafkaJS | 2.2 | none, gzip (others are plug-ins) |
| @platformatic/kafka | 2.12 | none, gzip, snappy, lz4, zstd |
| kcat (librdkafka) | the system's | none, gzip, snappy, lz4, zstd |
| confluent-kafka for Python (librdkafka) | 2.16 | none, gzip, snappy, lz4, zstd |
| kafka-python | 3.0 | none, gzip, snappy, lz4, zstd |
| franz-go | 1.22 | none, gzip, snappy, lz4, zstd |
| Sarama | 1.61 | none, gzip, snappy, lz4, zstd |
| Apache Kafka's Java clients and console tools | 4.3.1 | none, gzip, snappy, lz4, zstd |
`;
}

function topicSettings(): string {
  const rows = topicSettingTable.map(
    ({ name, type, defaultValue, serverSynonym, doc }) =>
      `| \`${name}\` | ${type} | \`${cell(defaultValue)}\` | ${serverSynonym === null ? "" : `\`${serverSynonym}\``} | ${cell(doc)} |`,
  );
  return `# Topic settings

Generated from \`metadata/settings/topic-setting-table.ts\` by \`npm run docs\`. The default of a cluster is set under the name in the fourth column. \`durability\` defaults to \`fsync\` at replication factor 1 and to \`replicated\` above; \`min.insync.replicas\` to 2 at factor 3 and above.

| setting | type | default | cluster-wide name | |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function brokerSettings(): string {
  const rows = brokerSettingTable.map(
    ({ name, type, defaultValue, isDynamic, doc }) =>
      `| \`${name}\` | ${type} | \`${cell(defaultValue)}\` | ${isDynamic ? "yes" : "no"} | ${cell(doc)} |`,
  );
  return `# Broker settings

Generated from \`metadata/settings/broker-settings.ts\` by \`npm run docs\`. Settings that can be changed while the cell runs are changed for a whole cluster (a broker resource without a name in Kafka's tools).

| setting | type | default | changes live | |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) {
  for (const { path, text } of pages()) writeFileSync(new URL(path, import.meta.url), text);
}
