// What is over: a table, filtered by status at the gateway and by the rest here, page by page into the past.

import { JOBS, nextPage } from "./api.js";
import { by, h, table, tell, time } from "./dom.js";
import { bytes, duration, imageOf, moment, status } from "./format.js";
import { ask } from "./session.js";

const PAGE = 50;

/** The history of `jobs`; `scope()` is what every query says besides. */
export class History {
  #jobs;
  #acts;
  #scope;
  #next = null;
  #shown = "";

  constructor(jobs, acts, scope) {
    [this.#jobs, this.#acts, this.#scope] = [jobs, acts, scope];
    by("filters").addEventListener("submit", (event) => event.preventDefault());
    by("filter-status").addEventListener("change", () => this.#attempt(this.load()));
    by("filter-region").addEventListener("change", () => this.draw());
    by("filter-text").addEventListener("input", () => this.draw());
    by("older").addEventListener("click", () => this.#attempt(this.#read(this.#next)));
    let isDue = false;
    jobs.addEventListener("changed", () => {
      if (isDue) return;
      isDue = true;
      setTimeout(() => {
        isDue = false;
        this.draw();
      }, 200);
    });
  }

  /** Reads the newest page anew. */
  load() {
    return this.#read(`${JOBS}?status=${by("filter-status").value}&limit=${PAGE}${this.#scope()}`);
  }

  async #attempt(reading) {
    try {
      await reading;
      tell(by("trouble"), null);
    } catch (refusal) {
      tell(by("trouble"), refusal.message);
    }
  }

  async #read(path) {
    const answer = await ask(path);
    this.#next = nextPage(answer);
    for (const job of await answer.json()) this.#jobs.learn(job);
    this.#shown = "";
    this.draw();
  }

  /** Shows what is known and wanted, if it is not what is there. */
  draw() {
    const jobs = this.#jobs.finished();
    this.#offerRegions(jobs);
    const rows = jobs.filter(wanted);
    const now = JSON.stringify(rows.map((job) => [job.job_id, job.updated_at]));
    by("older").hidden = !this.#next;
    by("no-history").hidden = rows.length > 0;
    if (now === this.#shown && rows.length > 0) return;
    this.#shown = now;
    const focused = document.activeElement?.dataset.details;
    const columns = [{ title: "Image" }, { title: "To", wide: true }, { title: "Status" }, { title: "Size", number: true, wide: true },
      { title: "Took", number: true, wide: true }, { title: "Ended" }];
    const shown = rows.length > 0 ? [table("Copies that are over", columns, rows.map((job) => this.#row(job)))] : [];
    by("history").replaceChildren(...shown);
    if (focused) by("history").querySelector(`[data-details="${focused}"]`)?.focus();
  }

  #row(job) {
    const [word, look] = status(job.status);
    const image = imageOf(job);
    const took = job.started_at ? duration((new Date(job.finished_at) - new Date(job.started_at)) / 1000) : "–";
    const why = job.error ? h("span", { class: "sub" }, job.error.code.replaceAll("_", " ")) : null;
    const open = () => this.#acts.details(job);
    return [
      h("button", { type: "button", class: "link", "aria-label": `Details of ${image}`, "data-details": job.job_id, onclick: open }, image),
      job.destination_region_id,
      [h("span", { class: `pill ${look}` }, word), ...(why ? [why] : [])],
      bytes(job.bytes_total), took, time(job.finished_at, moment(job.finished_at)),
    ];
  }

  #offerRegions(jobs) {
    const select = by("filter-region");
    const known = new Set([...select.options].map((option) => option.value));
    for (const { destination_region_id: region } of jobs) {
      if (known.has(region)) continue;
      known.add(region);
      select.append(h("option", { value: region }, region));
    }
  }
}

function wanted(job) {
  const text = by("filter-text").value.trim().toLowerCase();
  const region = by("filter-region").value;
  const texts = [job.source_image_name, job.source_image_id, job.destination_image_id ?? "", job.job_id];
  return by("filter-status").value.split(",").includes(job.status)
    && (!region || job.destination_region_id === region)
    && (!text || texts.some((one) => one.toLowerCase().includes(text)));
}
