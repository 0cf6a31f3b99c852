import { type Infer, request, response } from "../schema/message.ts";
import { array, bool, int16, int32, nullable, optional, string } from "../schema/types.ts";

// KIP-195. v2: flexible. v3: throttled by quota (KIP-599).
export const createPartitionsRequest = request(
  37,
  { versions: [0, 3], flexible: 2 },
  {
    topics: array({
      name: string,
      count: int32,
      assignments: nullable(array({ brokerIds: array(int32) })),
    }),
    timeoutMs: int32,
    validateOnly: bool,
  },
);
export type CreatePartitionsRequest = Infer<typeof createPartitionsRequest>;

export const createPartitionsResponse = response(
  37,
  { versions: [0, 3], flexible: 2 },
  {
    throttleTimeMs: int32,
    results: array({ name: string, errorCode: int16, errorMessage: optional(string) }),
  },
);
export type CreatePartitionsResponse = Infer<typeof createPartitionsResponse>;
