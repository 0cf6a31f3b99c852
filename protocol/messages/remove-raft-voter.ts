import { type Infer, request, response } from "../schema/message.ts";
import { int16, int32, nullable, string, uuid } from "../schema/types.ts";

// KIP-853.
export const removeRaftVoterRequest = request(
  81,
  { versions: [0, 0], flexible: 0 },
  {
    clusterId: nullable(string),
    voterId: int32,
    voterDirectoryId: uuid,
  },
);
export type RemoveRaftVoterRequest = Infer<typeof removeRaftVoterRequest>;

export const removeRaftVoterResponse = response(
  81,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
  },
);
export type RemoveRaftVoterResponse = Infer<typeof removeRaftVoterResponse>;
