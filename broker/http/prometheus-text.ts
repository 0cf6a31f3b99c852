import type { Histogram, Labels, Metric } from "./metric.ts";

export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/** Prometheus' text format. */
export function prometheusText(metrics: readonly (Metric | Histogram)[]): string {
  let text = "";
  for (const metric of metrics) {
    text += `# HELP ${metric.name} ${escapeHelp(metric.help)}\n# TYPE ${metric.name} ${metric.type}\n`;
    text += metric.type === "histogram" ? histogramLines(metric) : sampleLines(metric);
  }
  return text;
}

function sampleLines({ name, samples }: Metric): string {
  return samples.map(({ labels, value }) => line(name, labels, value)).join("");
}

/** Buckets are cumulative on the wire, which they are not in memory, where counting has to be cheap. */
function histogramLines({ name, bounds, series }: Histogram): string {
  let text = "";
  for (const { labels, counts, sum } of series) {
    let count = 0;
    for (const [index, inBucket] of counts.entries()) {
      count += inBucket;
      const bound = bounds[index];
      const le = bound === undefined ? "+Inf" : String(bound);
      text += line(`${name}_bucket`, { ...labels, le }, count);
    }
    text += line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, count);
  }
  return text;
}

function line(name: string, labels: Labels | undefined, value: number): string {
  const pairs = Object.entries(labels ?? {}).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numeral(value)}\n`;
}

function numeral(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
