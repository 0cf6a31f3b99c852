import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDirectoryObjectStore } from "../../../adapters/directory/object-store.ts";
import { archiveKey } from "../../../metadata/log/object-keys.ts";
import type { Cluster } from "../../../sdk/src/cluster.ts";
import { Myelin } from "../../../sdk/src/myelin.ts";
import { runMyelin } from "../../support/myelin-command.ts";
import { startMyelin } from "../../support/myelin-process.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

// A cell begun anew from its objects alone, by the command as a user has it.

async function recordsOf(cluster: Cluster, topic: string): Promise<string[]> {
  const found: string[] = [];
  const reader = cluster.reader({ topics: [topic], from: "beginning", untilEnd: true });
  for await (const { partition, offset, value } of reader)
    found.push(`${partition} ${offset} ${String(value)}`);
  return found.sort();
}

async function fill(cluster: Cluster, topic: string, count: number): Promise<void> {
  await using producer = cluster.producer();
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      producer.send(topic, { key: `${index}`, value: `${topic} ${index}` }),
    ),
  );
}

async function clusterAt(url: string): Promise<Cluster> {
  return new Myelin({ url }).clusters.get("dev");
}

test("a cell that slept is restored elsewhere with its records, and goes on; where one lives already nothing is changed", async () => {
  using directory = temporaryDirectory();
  const [from, to] = [join(directory.path, "old"), join(directory.path, "new")];
  const old = await startMyelin({ data: from });
  const before = await clusterAt(old.url);
  await before.topics.create({ name: "orders", partitions: 3 });
  await fill(before, "orders", 300);
  const records = await recordsOf(before, "orders");
  expect(records).toHaveLength(300);
  const slept = await runMyelin(["cell", "sleep", "--url", old.url]);
  expect(slept).toMatchObject({ code: 0 });
  expect(await old.stop()).toBe(0);

  const restored = await runMyelin(["cell", "restore", "--from", from, "--data", to, "--json"]);
  expect(restored.stderr).toBe("");
  const told = JSON.parse(restored.stdout) as { copied: { objectCount: number } };
  expect(told).toMatchObject({ kind: "restored", kept: [] });
  expect(told.copied.objectCount).toBeGreaterThanOrEqual(3);

  const young = await startMyelin({ data: to });
  try {
    const after = await clusterAt(young.url);
    expect(await recordsOf(after, "orders")).toEqual(records);
    await fill(after, "orders", 30);
    expect(await recordsOf(after, "orders")).toHaveLength(330);
  } finally {
    await young.stop();
  }
  const again = await runMyelin(["cell", "restore", "--from", from, "--data", to]);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain(`A cell lives in ${to}`);

  // Where only the metadata log was lost, the place is named once or twice.
  for (const name of readdirSync(from))
    if (name.startsWith("metadata.db")) rmSync(join(from, name));
  const inPlace = await runMyelin(["cell", "restore", "--from", from, "--data", from, "--json"]);
  expect(inPlace.stderr).toBe("");
  expect(JSON.parse(inPlace.stdout)).toMatchObject({ kind: "restored", copied: null });

  // The same place, by the name of what is in it.
  for (const name of readdirSync(from))
    if (name.startsWith("metadata.db")) rmSync(join(from, name));
  const named = ["--from", join(from, "objects"), "--data", from, "--json"];
  const byObjects = await runMyelin(["cell", "restore", ...named]);
  expect(JSON.parse(byObjects.stdout)).toMatchObject({ kind: "restored", copied: null });
});

test("it says what is wrong with where from and where to", async () => {
  using directory = temporaryDirectory();
  // An S3 that lets nobody in.
  const refusing = createServer((_, response) => response.writeHead(403).end()).listen(
    0,
    "127.0.0.1",
  );
  await once(refusing, "listening");
  await using closing = new AsyncDisposableStack();
  closing.defer(() => void refusing.close());
  const said = async (...args: string[]) => {
    const { code, stderr } = await runMyelin(["cell", "restore", ...args], {
      cwd: directory.path,
      env: {
        AWS_REGION: "",
        AWS_DEFAULT_REGION: "",
        AWS_ENDPOINT_URL: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`,
        AWS_ACCESS_KEY_ID: "a",
        AWS_SECRET_ACCESS_KEY: "b",
      },
    });
    return `${code} ${stderr}`;
  };
  expect(await said("--from", join(directory.path, "absent"))).toMatch(/^1 There are no objects/);
  expect(await said("--from", "s3://")).toMatch(/^2 "s3:\/\/" is no bucket: write s3:\/\/BUCKET/);
  expect(await said("--from", "s3://somewhere")).toMatch(/^2 Say in which --region/);
  expect(await said("--table", "t")).toMatch(/^[12] /);
  const objects = createDirectoryObjectStore(join(directory.path, "damaged/objects"));
  await objects.put(archiveKey("main", 7), Buffer.from("damaged"));
  await objects.close();
  expect(await said("--from", join(directory.path, "damaged"))).toMatch(
    /^1 The metadata of the cell cannot be read: a metadata archive is cut off.*--revision/,
  );
  const foreign = join(directory.path, "foreign");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "metadata.db"), "neither SQLite nor a metadata log");
  expect(await said("--from", join(directory.path, "damaged"), "--data", foreign)).toMatch(
    /^1 .*foreign\/metadata.db is not a Myelin metadata log\.\n$/,
  );
  const unreachable = ["--from", "s3://somewhere", "--region", "eu-central-1"];
  expect(await said(...unreachable)).toMatch(/^1 The object store in S3: .*run it again\.\n$/);
  const inAws = ["--to", "s3://b", "--table", "t", "--region", "eu-central-1"];
  expect(
    await said("--from", join(directory.path, "damaged"), ...inAws, "--cell", "prod/2"),
  ).toMatch(/^2 "prod\/2" is no name of a cell: it should be up to 100 letters/);
});
