import { expect, test } from "vitest";
import { barChartSvg } from "../../../../bench/harness/bar-chart.ts";

const chart = (values: readonly number[]): string =>
  barChartSvg({
    title: "Throughput",
    unit: "MB/s",
    groups: [
      {
        label: "produce",
        bars: values.map((value, index) => ({ label: `broker ${index}`, value })),
      },
    ],
  });

const barWidths = (svg: string): number[] =>
  [...svg.matchAll(/<rect x="230" y="\d+" width="([\d.]+)" height="13"/g)].map((match) =>
    Number(match[1]),
  );

test("bars are as long as their values, the longest as long as there is room", () => {
  expect(barWidths(chart([100, 50]))).toEqual([360, 180]);
});

test("each bar has its figure beside it", () => {
  expect(chart([123.4])).toContain(">123<");
});

test("a broker keeps its colour from group to group", () => {
  const svg = barChartSvg({
    title: "x",
    unit: "y",
    groups: [
      {
        label: "one",
        bars: [
          { label: "A", value: 1 },
          { label: "B", value: 2 },
        ],
      },
      { label: "two", bars: [{ label: "B", value: 3 }] },
    ],
  });
  const colours = [...svg.matchAll(/height="13" fill="(#\w+)"/g)].map((match) => match[1]);
  expect(colours[1]).toBe(colours[2]);
  expect(colours[0]).not.toBe(colours[1]);
});

test("a label cannot break the file", () => {
  const svg = barChartSvg({ title: `<a & "b">`, unit: "", groups: [] });
  expect(svg).toContain("&#60;a &#38; &#34;b&#34;&#62;");
});

test("what was not measured says so, and does not upset the scale", () => {
  const svg = chart([Number.NaN, 10]);
  expect(svg).toContain("not measured");
  expect(barWidths(svg)).toEqual([360]);
});
