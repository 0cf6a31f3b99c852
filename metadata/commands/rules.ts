/**
 * The rules whose breach the tests must notice, by name: a cell runs under all of them. The simulator and the property tests switch one off to prove
 * that they would find it missing.
 */
export type Rules = {
  /** AlterPartition counts a member only in the life the leader has seen (KIP-903). */
  readonly checksBrokerEpochs: boolean;
  /** A broker whose host crashed leaves ISR and ELR (C4). */
  readonly distrustsHostCrash: boolean;
  /** Enough members in sync, or a lower bound, end the eligibility of those outside (I8). */
  readonly clearsElr: boolean;
  /** Without ISR and ELR nobody leads before all of lastIsr have spoken (C2b). */
  readonly waitsForLastIsr: boolean;
  /** A recovery's first offset lies far above any that was ever handed out (C3). */
  readonly leavesGap: boolean;
  /** Every end and start of a leadership has an epoch of its own (I1). */
  readonly countsTerms: boolean;
};

export const rules: Rules = {
  checksBrokerEpochs: true,
  distrustsHostCrash: true,
  clearsElr: true,
  waitsForLastIsr: true,
  leavesGap: true,
  countsTerms: true,
};
