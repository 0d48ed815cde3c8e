// How many bytes a second all copies move, over the last minutes: a curve, and the same in words.

import { by, h, say, svg } from "./dom.js";
import { bytes, rate } from "./format.js";

/** The curve is at least as long as a minute, and at most as long as five. */
const SHORTEST = 60;
const LONGEST = 300;
const WIDTH = 300;
const HEIGHT = 100;

/** Draws the throughput of `jobs` from now on. */
export function showThroughput(jobs) {
  const samples = [];
  const area = svg("path", { class: "area" });
  const line = svg("path", { class: "line" });
  const grid = [1, 50, 99].map((y) => svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: y, y2: y }));
  const plot = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-labelledby": "throughput-now",
  }, ...grid, area, line);
  const oldest = h("span");
  const highest = h("span");
  by("throughput").append(plot, h("div", { class: "axis", "aria-hidden": "true" },
    oldest, highest, h("span", {}, "now")));
  const draw = () => {
    const top = Math.max(...samples, 1);
    const span = Math.max(samples.length, SHORTEST);
    const x = (index) => (WIDTH - ((samples.length - 1 - index) * WIDTH) / span).toFixed(1);
    const y = (value) => (HEIGHT - 2 - (value / top) * (HEIGHT - 6)).toFixed(1);
    const points = samples.map((value, index) => `${x(index)} ${y(value)}`).join("L");
    line.setAttribute("d", `M${points}`);
    area.setAttribute("d", `M${x(0)} ${HEIGHT}L${points}L${WIDTH} ${HEIGHT}Z`);
    const minutes = Math.ceil(span / 60);
    say(oldest, minutes === 1 ? "a minute ago" : `${minutes} minutes ago`);
    const most = Math.max(...samples);
    say(highest, most > 0 ? `highest ${rate(most)}` : "");
    say(by("throughput-now"), `Now ${rate(samples.at(-1))}, ${bytes(jobs.moved)} since this page was opened`);
  };
  const sample = () => {
    samples.push(jobs.throughput());
    if (samples.length > LONGEST) samples.shift();
    draw();
  };
  sample();
  setInterval(sample, 1000);
}
