// Sizes, rates and times as people read them.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A size, with three digits or so. */
export function bytes(count) {
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Bytes a second. */
export const rate = (perSecond) => `${bytes(perSecond)}/s`;

/** A number of seconds, in the two largest units that it has. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let rest = whole;
  const said = parts.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return [count, unit];
  });
  const first = said.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return said.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** A moment, in the reader's own zone. */
export const moment = (iso) => DATE.format(new Date(iso));

/** The API of plans writes no zone behind its times, which are UTC. */
export const utc = (iso) => (iso.endsWith("Z") ? iso : `${iso}Z`);

/** How far away a moment is. */
export function away(iso, now = Date.now()) {
  const seconds = (new Date(iso) - now) / 1000;
  return seconds < 0 ? `${duration(-seconds)} ago` : `in ${duration(seconds)}`;
}

const STATUSES = {
  replicate_requested: ["Waiting", "info"],
  replicating: ["Copying", "info"],
  replicated: ["Replicated", "good"],
  cancel_requested: ["Canceling", "warn"],
  canceling: ["Canceling", "warn"],
  canceled: ["Canceled", ""],
  error: ["Failed", "bad"],
};

/** A job's status in a word, and how it looks. */
export const status = (name) => STATUSES[name] ?? [name, ""];

/** An image by its name, or by its id when it has none. */
export const imageOf = (job) => job.source_image_name || job.source_image_id;
