import { expect, test } from "vitest";
import { offsetCommit } from "../../../../broker/handlers/offset-commit.ts";
import {
  readRequestHead,
  readResponse,
  writeRequestFrame,
} from "../../../../protocol/api-frame.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "../../../../protocol/messages/offset-commit.ts";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";

function bytesOf({ parts }: { parts: readonly unknown[] }): Uint8Array {
  return Buffer.concat(parts as Uint8Array[]).subarray(4);
}

test.each([2, 6, 8, 9])(
  "a commit refused as a whole says so of every partition, in version %i",
  (version) => {
    const partitions = [3, 5].map((partitionIndex) => ({
      partitionIndex,
      committedOffset: 1,
      committedMetadata: null,
    }));
    const origin = { correlationId: 7, clientId: "test" };
    const body = { groupId: "g", topics: [{ name: "orders", partitions }] };
    const frame = bytesOf(writeRequestFrame(offsetCommitRequest, version, origin, body));
    const head = readRequestHead(frame);
    if (head instanceof DecodeError) throw head;
    const prepared = offsetCommit.prepare(head, frame);
    if (prepared instanceof DecodeError) throw prepared;
    const refused = prepared.refuse("UNKNOWN_SERVER_ERROR");
    if (refused === null) throw new Error("the refusal has no shape");
    const answer = readResponse(offsetCommitResponse, version, bytesOf(refused));
    if (answer instanceof DecodeError) throw answer;
    const errorCode = errorCodes.UNKNOWN_SERVER_ERROR;
    expect(JSON.parse(JSON.stringify(answer))).toMatchObject({
      body: {
        topics: [
          {
            name: "orders",
            partitions: [
              { partitionIndex: 3, errorCode },
              { partitionIndex: 5, errorCode },
            ],
          },
        ],
      },
    });
  },
);
