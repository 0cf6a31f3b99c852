import { afterAll, beforeAll, expect, test } from "vitest";
import { createAcls } from "../../../../broker/handlers/create-acls.ts";
import { deleteAcls } from "../../../../broker/handlers/delete-acls.ts";
import { describeAcls } from "../../../../broker/handlers/describe-acls.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  createAclsRequest,
  createAclsResponse,
} from "../../../../protocol/messages/create-acls.ts";
import {
  deleteAclsRequest,
  deleteAclsResponse,
} from "../../../../protocol/messages/delete-acls.ts";
import {
  describeAclsRequest,
  describeAclsResponse,
} from "../../../../protocol/messages/describe-acls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { versionsOf } from "../../../support/versions.ts";

// DescribeAcls, CreateAcls and DeleteAcls, which all say the same as long as there is no authorizer.

const { SECURITY_DISABLED } = errorCodes;
const literal = 3;

let broker: MemoryBroker;

beforeAll(async () => {
  broker = await startMemoryBroker();
});
afterAll(() => broker.close());

const filterOf = (version: number) => ({
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  ...(version >= 1 ? { patternTypeFilter: 1 } : {}),
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
});

test.each(versionsOf(describeAcls))("DescribeAcls %i: security is disabled", async (version) => {
  const body = filterOf(version);
  const answer = await broker.call(describeAclsRequest, describeAclsResponse, version, body);
  expect(answer).toMatchObject({ errorCode: SECURITY_DISABLED, resources: [] });
  expect(answer.errorMessage).not.toBeNull();
});

test.each(versionsOf(createAcls))("CreateAcls %i: each creation hears it", async (version) => {
  const creation = {
    resourceType: 2,
    resourceName: "orders",
    ...(version >= 1 ? { resourcePatternType: literal } : {}),
    principal: "User:me",
    host: "*",
    operation: 3,
    permissionType: 3,
  };
  const body = { creations: [creation, creation] };
  const { results } = await broker.call(createAclsRequest, createAclsResponse, version, body);
  expect(results.map(({ errorCode }) => errorCode)).toEqual([SECURITY_DISABLED, SECURITY_DISABLED]);
});

test.each(versionsOf(deleteAcls))("DeleteAcls %i: each filter hears it", async (version) => {
  const body = { filters: [filterOf(version)] };
  const answer = await broker.call(deleteAclsRequest, deleteAclsResponse, version, body);
  expect(answer.filterResults).toMatchObject([{ errorCode: SECURITY_DISABLED, matchingAcls: [] }]);
});
