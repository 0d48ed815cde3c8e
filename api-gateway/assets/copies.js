// What is under way: one card a job, changed in place, so that neither focus nor a reader's place in it is lost.

import { by, h, say } from "./dom.js";
import { bytes, duration, imageOf, rate, status } from "./format.js";
import { isCancelable } from "./jobs.js";

/** Shows the running jobs of `jobs` from now on; `acts` has `details(job)` and `cancel(job)`. */
export function showRunning(jobs, acts, mayCancel) {
  const cards = new Map();
  const draw = () => {
    const running = jobs.running();
    const ids = new Set(running.map((job) => job.job_id));
    for (const [id, card] of cards) {
      if (ids.has(id)) continue;
      const hadFocus = card.item.contains(document.activeElement);
      card.item.remove();
      cards.delete(id);
      if (hadFocus) by("new-copy").focus();
    }
    running.forEach((job, index) => {
      const id = job.job_id;
      if (!cards.has(id)) cards.set(id, card(id, jobs, acts));
      const shown = cards.get(id);
      const list = by("running");
      if (list.children[index] !== shown.item) list.insertBefore(shown.item, list.children[index] ?? null);
      shown.update(job, mayCancel());
    });
    say(by("running-count"), String(running.length));
    by("nothing-runs").hidden = running.length > 0;
  };
  let isDue = false;
  const soon = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  };
  jobs.addEventListener("changed", soon);
  // Rates and times left change while nothing is told.
  setInterval(soon, 1000);
  draw();
}

function card(id, jobs, acts) {
  const title = h("h3", { id: `title-${id}` });
  const state = h("span");
  const bar = h("progress", { max: "100", "aria-labelledby": `title-${id}` });
  const percent = h("strong");
  const speed = h("span");
  const left = h("span");
  const way = h("p", { class: "muted" });
  const cancel = h("button", { type: "button", class: "quiet", onclick: () => acts.cancel(jobs.get(id)) }, "Cancel");
  const details = h("button", { type: "button", class: "quiet", onclick: () => acts.details(jobs.get(id)) }, "Details");
  const article = h("article", { class: "copy", "aria-labelledby": `title-${id}`, "data-job": id },
    h("header", {}, title, state), way, bar,
    h("p", { class: "figures" }, percent, speed, left),
    h("footer", {}, details, cancel));
  const update = (job, mayCancel) => {
    const image = imageOf(job);
    const [word, look] = status(job.status);
    say(title, image);
    say(state, word);
    state.className = `pill ${look}`;
    const attempt = job.attempt > 1 ? `, attempt ${job.attempt}` : "";
    say(way, `${job.source_region_id} → ${job.destination_region_id}, ${bytes(job.bytes_total)}${attempt}`);
    bar.value = job.copy_progress;
    say(percent, `${job.copy_progress} %`);
    const perSecond = jobs.rate(job);
    const isMoving = job.status === "replicating" && perSecond !== null;
    say(speed, isMoving ? rate(perSecond) : "");
    const seconds = isMoving ? jobs.left(job) : null;
    say(left, seconds === null ? "" : `${duration(seconds)} left`);
    details.setAttribute("aria-label", `Details of ${image}`);
    cancel.setAttribute("aria-label", `Cancel ${image}`);
    const isOffered = mayCancel && isCancelable(job);
    // A button that goes takes the focus with it.
    if (!isOffered && document.activeElement === cancel) details.focus();
    cancel.hidden = !isOffered;
  };
  return { item: h("li", {}, article), update };
}
