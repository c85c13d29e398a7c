// What was measured, as one markdown table and as a chart.

/** Rows of the peers that do the same work and did not fail. */
const peersOf = (rows) => rows.filter((row) => row.tool !== "gantry" && !row.aside && row.failed === undefined);

/** How many times as long as gantry the quickest peer takes; undefined without one. */
export function ratioToBest(rows) {
  const own = rows.find((row) => row.tool === "gantry" && row.failed === undefined);
  const peers = peersOf(rows).map((row) => row.wall);
  return own === undefined || peers.length === 0 ? undefined : Math.min(...peers) / own.wall;
}

/** @param results { title, image, rows }[] */
export function resultTable(results) {
  const lines = results.flatMap(({ title, image, rows }) => {
    const own = rows.find((row) => row.tool === "gantry")?.wall;
    const best = ratioToBest(rows);
    return rows.map((row, i) => {
      const head = i === 0 ? `**${title}**: ${image}` : "";
      if (row.failed !== undefined) return `| ${head} | ${row.label} | failed: ${oneLine(row.failed)} | | | | |`;
      const times = own === undefined ? "" : `${(row.wall / own).toFixed(1)}x`;
      const ratio = row.tool === "gantry" ? (best === undefined ? "" : `**best peer ${best.toFixed(1)}x**`) : times;
      const cells = [seconds(row.wall), seconds(row.cpu), row.peakMb.toFixed(0), row.writtenMb.toFixed(0), ratio];
      return `| ${head} | ${row.label} | ${cells.join(" | ")} |`;
    });
  });
  return [
    "| operation | command | wall s | CPU s | peak MB | written MB | of gantry's time |",
    "|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

const seconds = (value) => value.toFixed(value < 1 ? 3 : 2);
const oneLine = (text) => text.replaceAll(/[\n|]/g, " ").slice(0, 100);

const WIDTH = 860;
const LABEL = 330;
const BAR = 18;
const COLOURS = { gantry: "#2f6f4f", peer: "#b9c3cc", aside: "#e3e7ea" };

/** The same as horizontal bars; each operation has a scale of its own, its slowest command the whole width. */
export function resultChart(results) {
  const shown = results.filter(({ rows }) => rows.some((row) => row.failed === undefined));
  const parts = [];
  let y = 20;
  for (const { title, image, rows } of shown) {
    const best = ratioToBest(rows);
    const note = best === undefined ? "" : `, ${best.toFixed(1)}x the best peer`;
    parts.push(text(0, y + 12, `${title}: ${image}${note}`, "bold"));
    y += 20;
    const good = rows.filter((row) => row.failed === undefined);
    const slowest = Math.max(...good.map((row) => row.wall));
    for (const row of good) {
      const width = Math.max(2, ((WIDTH - LABEL - 80) * row.wall) / slowest);
      const colour = row.tool === "gantry" ? COLOURS.gantry : row.aside ? COLOURS.aside : COLOURS.peer;
      parts.push(text(10, y + 13, row.label));
      parts.push(`<rect x="${LABEL}" y="${y + 2}" width="${width.toFixed(1)}" height="${BAR - 4}" fill="${colour}"/>`);
      parts.push(text(LABEL + width + 6, y + 13, `${seconds(row.wall)} s`));
      y += BAR;
    }
    y += 12;
  }
  return svg(WIDTH, y, parts);
}

const PANEL = 260;

/** Small panels, one a series, both axes logarithmic: a straight line at 45 degrees is a cost that grows linearly. */
export function scaleChart(series) {
  const parts = series.flatMap(({ title, unit, points }, i) => {
    const left = 20 + i * (PANEL + 30);
    const xs = points.map((point) => Math.log10(point.size));
    const ys = points.flatMap((point) => Object.values(point.seconds)).map((value) => Math.log10(value));
    const at = (value, values, span) =>
      ((value - Math.min(...values)) / (Math.max(...values) - Math.min(...values) || 1)) * span;
    const names = Object.keys(points[0].seconds);
    return [
      text(left, 16, `${title} (${unit}, seconds)`, "bold"),
      `<rect x="${left}" y="26" width="${PANEL}" height="180" fill="none" stroke="#b9c3cc"/>`,
      ...names.flatMap((name, n) => {
        const line = points.map((point) => {
          const x = left + at(Math.log10(point.size), xs, PANEL - 20) + 10;
          const y = 196 - at(Math.log10(point.seconds[name]), ys, 160);
          return `${x.toFixed(1)},${y.toFixed(1)}`;
        });
        const colour = ["#2f6f4f", "#8a5a2b", "#3b5b8c", "#8c3b6b"][n % 4];
        return [
          `<polyline points="${line.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
          text(left + 8 + n * 62, 222, name, "normal", colour),
        ];
      }),
      text(left, 240, `${points[0].size} to ${points.at(-1).size}`),
    ];
  });
  return svg(20 + series.length * (PANEL + 30), 250, parts);
}

function svg(width, height, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function text(x, y, words, weight = "normal", fill = "#1c2329") {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" font-weight="${weight}" fill="${fill}">${safe}</text>`;
}
