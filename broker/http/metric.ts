/** What /metrics shows under one name. Names follow Kafka's own metrics where Kafka has the thing; the unit comes last. */
export type Metric = {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly samples: readonly Sample[];
};

export type Sample = { readonly labels?: Labels; readonly value: number };

export type Histogram = {
  readonly name: string;
  readonly help: string;
  readonly type: "histogram";
  /** Upper bounds of the buckets, ascending; `counts` has one more, for what lies above the last. */
  readonly bounds: readonly number[];
  readonly series: readonly {
    readonly labels?: Labels;
    readonly counts: readonly number[];
    readonly sum: number;
  }[];
};

export type Labels = Readonly<Record<string, string>>;

/** Reads what a part of the broker counts, each time anew. */
export type MetricSource = () => readonly (Metric | Histogram)[];
