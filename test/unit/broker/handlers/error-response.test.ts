import { expect, test } from "vitest";
import { errorResponse } from "../../../../broker/handlers/error-response.ts";
import { kafkaApis } from "../../../../broker/handlers/table.ts";
import { writeResponseFrame } from "../../../../protocol/api-frame.ts";
import { apiTable } from "../../../../protocol/api-table.ts";
import { fetchResponse } from "../../../../protocol/messages/fetch.ts";
import { findCoordinatorResponse } from "../../../../protocol/messages/find-coordinator.ts";
import { metadataResponse } from "../../../../protocol/messages/metadata.ts";

test("an error of the whole request needs a version that has a code for it", () => {
  expect(errorResponse(fetchResponse, 6, "UNKNOWN_SERVER_ERROR")).toBeNull();
  expect(errorResponse(fetchResponse, 7, "UNKNOWN_SERVER_ERROR")).toMatchObject({ errorCode: -1 });
  expect(errorResponse(metadataResponse, 12, "UNKNOWN_SERVER_ERROR")).toBeNull();
  expect(errorResponse(metadataResponse, 13, "UNKNOWN_SERVER_ERROR")).toMatchObject({
    errorCode: -1,
  });
  expect(errorResponse(findCoordinatorResponse, 4, "UNKNOWN_SERVER_ERROR")).toBeNull();
});

test.each(kafkaApis.map(({ key, name }) => ({ key, name })))(
  "such a response of $name can be sent in every version that has one",
  ({ key }) => {
    const response = apiTable.find((api) => api.key === key)?.response;
    if (response === undefined) throw new Error("not in the table");
    for (let version = response.versions[0]; version <= response.versions[1]; version++) {
      const shaped = errorResponse(response, version, "UNKNOWN_SERVER_ERROR");
      if (shaped === null) continue;
      expect(writeResponseFrame(response, version, 1, shaped).byteLength).toBeGreaterThan(8);
    }
  },
);
