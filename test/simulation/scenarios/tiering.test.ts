import { test } from "vitest";

// Named in the specification of replication, and nothing to try them on yet: hot data has no second place but the other replicas.

test.todo("all replicas replaced at once: only what was in the object store survives");
test.todo("a deposed leader's put of the manifest arrives last, and changes nothing");
test.todo("the object store is ahead of every log after all hosts lost power");
test.todo("a follower starts from the object store while the leader compacts");
test.todo("a cell restored beside the late writers of the former one");
