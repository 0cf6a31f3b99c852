import { threeDigits } from "./statistics.ts";

export type Bar = {
  readonly label: string;
  readonly value: number;
  readonly lowest?: number;
  readonly highest?: number;
};
export type BarGroup = { readonly label: string; readonly bars: readonly Bar[] };
export type BarChart = {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly BarGroup[];
};

const width = 760;
const left = 230;
const right = 170;
const barHeight = 16;
const groupGap = 14;
const top = 62;
// One colour per series, told apart also by people who do not see all colours (Okabe and Ito's palette), and legible on light and dark pages.
const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7"];

/** Horizontal bars in groups, each with its figure and, where given, a whisker from the lowest to the highest round. An SVG that stands on its own. */
export function barChartSvg({ title, unit, groups }: BarChart): string {
  const highest = Math.max(
    0,
    ...groups
      .flatMap(({ bars }) => bars.map((bar) => bar.highest ?? bar.value))
      .filter(Number.isFinite),
  );
  const scale = highest > 0 ? (width - left - right) / highest : 0;
  const series = [...new Set(groups.flatMap(({ bars }) => bars.map(({ label }) => label)))];
  const parts: string[] = [];
  let y = top;
  for (const group of groups) {
    const middle = y + (group.bars.length * barHeight) / 2 + 4;
    parts.push(text(left - 10, middle, group.label, `text-anchor="end"`));
    for (const bar of group.bars) {
      parts.push(barSvg(bar, y, scale, colours[series.indexOf(bar.label) % colours.length]!));
      y += barHeight;
    }
    y += groupGap;
  }
  const legend = series.map((label, index) => {
    const x = left + index * 150;
    return `<rect x="${x}" y="36" width="11" height="11" fill="${colours[index % colours.length]}"/>${text(x + 17, 46, label)}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escape(title)}">`,
    `<rect width="${width}" height="${y}" fill="#ffffff"/>`,
    text(12, 22, `${title}, ${unit}`, `font-size="15" font-weight="600"`),
    ...legend,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function barSvg(bar: Bar, y: number, scale: number, colour: string): string {
  if (!Number.isFinite(bar.value)) return text(left + 6, y + 12, "not measured");
  const length = round(bar.value * scale);
  const end = Math.max(bar.value, bar.highest ?? 0) * scale;
  const whisker =
    bar.lowest === undefined || bar.highest === undefined || bar.lowest === bar.highest
      ? ""
      : `<path d="M${round(left + bar.lowest * scale)} ${y + 7}H${round(left + bar.highest * scale)}" stroke="#333333"/>`;
  return `<rect x="${left}" y="${y + 1}" width="${length}" height="${barHeight - 3}" fill="${colour}"/>${whisker}${text(round(left + end + 6), y + 12, threeDigits(bar.value))}`;
}

const text = (x: number, y: number, content: string, attributes = ""): string =>
  `<text x="${x}" y="${y}" fill="#222222"${attributes === "" ? "" : ` ${attributes}`}>${escape(content)}</text>`;

const round = (value: number): number => Math.round(value * 10) / 10;

const escape = (content: string): string =>
  content.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
