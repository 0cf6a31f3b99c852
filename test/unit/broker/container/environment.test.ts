import { expect, test } from "vitest";
import { readBrokerEnvironment } from "../../../../broker/container/environment.ts";

const told = {
  MYELIN_CELL: "prod",
  MYELIN_METADATA_TABLE: "table",
  MYELIN_BUCKET: "bucket",
  AWS_REGION: "eu-central-1",
  ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/abc",
};

test("what a deployment leaves out has the defaults of a container", () => {
  const read = readBrokerEnvironment({ ...told, MYELIN_KMS_KEY_ID: "" });
  expect(read.MYELIN_KMS_KEY_ID).toBeUndefined();
  expect(read).toMatchObject({
    MYELIN_DATA_DIR: "/data",
    MYELIN_PORT: 9092,
    MYELIN_HTTP_PORT: 9640,
    MYELIN_STOP_TIMEOUT_S: 120,
  });
});

test.each([
  [{ MYELIN_BUCKET: undefined }, "MYELIN_BUCKET is not set: it should be the S3 bucket"],
  [{ MYELIN_BUCKET: "" }, "MYELIN_BUCKET is not set"],
  [{ MYELIN_PORT: "70000" }, 'MYELIN_PORT is "70000": it should be the port of Kafka, a whole'],
  [{ MYELIN_STOP_TIMEOUT_S: "121" }, "a whole number from 2 to 120"],
  [{ MYELIN_CELL: "a/b" }, 'MYELIN_CELL is "a/b": it should be up to 100 letters'],
  [{ MYELIN_PROFILE: "big" }, "it should be dev, standard or performance"],
  [{ AWS_ENDPOINT_URL: "nowhere" }, "it should be a URL, and only for an emulator"],
  [{ ECS_CONTAINER_METADATA_URI_V4: undefined }, "outside of ECS, MYELIN_ADVERTISED_HOST"],
])("%j is refused with the variable's name and what it should be", (wrong, message) => {
  expect(() => readBrokerEnvironment({ ...told, ...wrong })).toThrow(
    expect.objectContaining({
      name: "EnvironmentError",
      message: expect.stringContaining(message),
    }),
  );
});

test("outside of ECS a broker may be told where it is", () => {
  const placed = {
    ...told,
    ECS_CONTAINER_METADATA_URI_V4: undefined,
    MYELIN_ADVERTISED_HOST: "127.0.0.1",
    MYELIN_ZONE: "zone-1",
  };
  expect(readBrokerEnvironment(placed)).toMatchObject({ MYELIN_ZONE: "zone-1" });
});
