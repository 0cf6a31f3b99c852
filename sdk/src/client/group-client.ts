import type { CallbackWithPromise, GroupOptions } from "@platformatic/kafka";
import { Consumer as KafkaConsumer } from "@platformatic/kafka";
import { MyelinError } from "../errors.ts";

/**
 * The library meets a commit of a generation that is over by joining again and committing the same offsets in the next one, where another member may have
 * the partitions and be further on. It joins through the public method with a callback, which nothing else does: that is refused here.
 */
export class GroupClient extends KafkaConsumer {
  override joinGroup(options: GroupOptions, callback: CallbackWithPromise<string>): void;
  override joinGroup(options?: GroupOptions): Promise<string>;
  override joinGroup(
    options: GroupOptions = {},
    callback?: CallbackWithPromise<string>,
  ): Promise<string> | undefined {
    if (callback === undefined) return super.joinGroup(options);
    callback(new MyelinError("REBALANCE_IN_PROGRESS", "The group's generation is over"), "");
    return undefined;
  }
}
