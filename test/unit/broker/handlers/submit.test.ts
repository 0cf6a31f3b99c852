import { expect, test } from "vitest";
import { submit } from "../../../../broker/handlers/submit.ts";
import type { BrokerServices } from "../../../../broker/services.ts";
import { MetadataLogError } from "../../../../ports/metadata-log.ts";
import { errorCodes } from "../../../../protocol/errors.ts";

function refusedBy(error: Error) {
  const metadata = { submit: () => Promise.reject(error) };
  return submit({ metadata } as unknown as BrokerServices, () => {
    throw new Error("the command is not asked");
  });
}

test("a change too large for the metadata log is refused for good, not to be tried again", async () => {
  const refused = await refusedBy(new MetadataLogError("tooLarge", "the entry has 300000 bytes"));
  expect(refused).toEqual({
    kind: "refused",
    error: {
      errorCode: errorCodes.POLICY_VIOLATION,
      errorMessage: "the entry has 300000 bytes; ask for less at once",
    },
  });
});

test("a metadata log that does not answer is a reason to ask again", async () => {
  const refused = await refusedBy(new MetadataLogError("unavailable", "no answer"));
  expect(refused).toMatchObject({ error: { errorCode: errorCodes.REQUEST_TIMED_OUT } });
});

test("what nobody expected is not turned into an answer", async () => {
  await expect(refusedBy(new Error("a bug"))).rejects.toThrow("a bug");
});
