// The jobs that this page knows of, each as it was told of last, and how fast they go.

const FINAL = new Set(["replicated", "canceled", "error"]);

/** A rate is what has moved within this time, in milliseconds. */
const WINDOW = 10000;

export const isFinal = (job) => FINAL.has(job.status);
export const isCancelable = (job) => job.status === "replicate_requested" || job.status === "replicating";

/** The jobs; tells `changed`, and `ended` with the job as its detail when one that ran has ended. */
export class Jobs extends EventTarget {
  #known = new Map();
  #marks = new Map();
  /** Bytes that have moved while this page looked. */
  moved = 0;

  /** Takes in a job, unless what is known of it is newer. */
  learn(job) {
    const before = this.#known.get(job.job_id);
    if (before && before.updated_at > job.updated_at) return;
    this.#known.set(job.job_id, job);
    this.#mark(job);
    if (before && !isFinal(before) && isFinal(job)) {
      this.dispatchEvent(new CustomEvent("ended", { detail: job }));
    }
    this.dispatchEvent(new CustomEvent("changed"));
  }

  /** Forgets all. */
  clear() {
    this.#known.clear();
    this.#marks.clear();
    this.dispatchEvent(new CustomEvent("changed"));
  }

  get(id) {
    return this.#known.get(id);
  }

  /** Jobs that are not over, the newest first. */
  running() {
    return this.#sorted((job) => !isFinal(job));
  }

  /** Jobs that are over, the newest first. */
  finished() {
    return this.#sorted(isFinal);
  }

  /** Bytes a second of a job; null before two reports have told. */
  rate(job, now = performance.now()) {
    const marks = this.#marks.get(job.job_id) ?? [];
    // One from before the window stays, to count from.
    while (marks.length > 2 && marks[1].at <= now - WINDOW) marks.shift();
    if (marks.length < 2) return null;
    const [first, last] = [marks[0], marks.at(-1)];
    const since = Math.max(first.at, now - WINDOW);
    const share = last.at <= since ? 0 : (last.at - since) / (last.at - first.at);
    return ((last.bytes - first.bytes) * share * 1000) / Math.max(now - since, 1);
  }

  /** Seconds that a job still takes at its rate; null when nobody can say. */
  left(job) {
    const rate = this.rate(job);
    return rate > 0 ? (job.bytes_total - job.bytes_copied) / rate : null;
  }

  /** Bytes a second of all that run. */
  throughput() {
    return this.running().reduce((sum, job) => sum + (this.rate(job) ?? 0), 0);
  }

  #sorted(wanted) {
    const found = [...this.#known.values()].filter(wanted);
    return found.sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
  }

  #mark(job) {
    const mark = { at: performance.now(), bytes: job.bytes_copied, attempt: job.attempt };
    const marks = this.#marks.get(job.job_id) ?? [];
    const last = marks.at(-1);
    const goesOn = last && last.attempt === mark.attempt && last.bytes <= mark.bytes;
    if (goesOn) this.moved += mark.bytes - last.bytes;
    if (isFinal(job)) this.#marks.delete(job.job_id);
    else if (!goesOn) this.#marks.set(job.job_id, [mark]);
    else if (last.bytes < mark.bytes) marks.push(mark);
  }
}
