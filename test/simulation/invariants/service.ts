import type { Checks, Invariant, Observed, WatchedBroker } from "./invariant.ts";

const returnsHavingReplayed: Invariant = {
  name: "C1",
  about: "a broker is back in service only once it has replayed past its fencing",
  watch({ brokers }) {
    /** Revisions of the entries that took them out of service. */
    const fencedAt = new Map<number, number>();
    return {
      entry({ revision, records }) {
        for (const record of records) {
          if (record.kind === "broker") fencedAt.delete(record.brokerId);
          if (record.kind !== "brokerState") continue;
          const { brokerId, state } = record;
          if (state === "fenced") fencedAt.set(brokerId, revision);
          if (state !== "active") continue;
          const replayed = brokers.get(brokerId)?.view.image.revision ?? Infinity;
          const fenced = fencedAt.get(brokerId) ?? -1;
          fencedAt.delete(brokerId);
          if (replayed < fenced) {
            return `broker ${brokerId} is back in service; it has replayed up to ${replayed} and was fenced at ${fenced}`;
          }
        }
        return null;
      },
    };
  },
};

const endsOutOfService: Invariant = {
  name: "C5",
  about:
    "a broker that is told to stop ends once it is out of service, nobody else is in it, or its time is over",
  watch: watchStops,
};

function watchStops({ truth }: Observed): Checks {
  return {
    stoppedInTime({ view }: WatchedBroker) {
      const { brokerId, brokerEpoch, wasAlone } = view;
      const now = truth.image.brokers.get(brokerId);
      // Somebody else has its name by now.
      if (now?.epoch !== brokerEpoch || now.state === "fenced") return null;
      return wasAlone ? null : `broker ${brokerId} ends while it is ${now.state}`;
    },
  };
}

export const serviceInvariants: readonly Invariant[] = [returnsHavingReplayed, endsOutOfService];
