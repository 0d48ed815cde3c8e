// The form for a copy: the caller's own images, and the projects of each region that the caller may copy to.

import { JOBS } from "./api.js";
import { by, h, tell } from "./dom.js";
import { bytes } from "./format.js";
import { ask } from "./session.js";

/** With more images than these, there is a field to find one. */
const MANY = 12;

let [images, regions, key] = [[], [], null];

/** Opens the form; `started(job id)` hears of an accepted copy. */
export async function openForm(started) {
  tell(by("copy-error"), null);
  by("find").value = "";
  by("reuse").checked = false;
  by("copy-submit").disabled = true;
  by("image").replaceChildren(h("option", { value: "" }, "Loading …"));
  by("to-region").replaceChildren();
  by("to-project").replaceChildren();
  by("copy-form").onsubmit = (event) => {
    event.preventDefault();
    submit(started);
  };
  by("copy-dialog").showModal();
  try {
    const answers = await Promise.all([ask("/dashboard/api/images"), ask("/dashboard/api/regions")]);
    const [first, second] = await Promise.all(answers.map((answer) => answer.json()));
    [images, regions, key] = [first.images, second.regions, newKey()];
    by("find-field").hidden = images.length <= MANY;
    offerImages();
    offerRegions();
    by("copy-submit").disabled = false;
  } catch (refusal) {
    by("image").replaceChildren();
    tell(by("copy-error"), refusal.message);
  }
}

function offerImages() {
  const text = by("find").value.trim().toLowerCase();
  const found = images.filter((image) => `${image.name} ${image.id}`.toLowerCase().includes(text));
  const option = (image) => h("option", { value: image.id }, `${image.name || image.id} (${[bytes(image.size_bytes), image.disk_format].filter(Boolean).join(", ")})`);
  const group = (label, isOwn) => {
    const those = found.filter((image) => image.is_own === isOwn);
    return those.length > 0 ? [h("optgroup", { label }, ...those.map(option))] : [];
  };
  const none = found.length === 0 ? [h("option", { value: "" }, "No image that could be copied")] : [];
  by("image").replaceChildren(...group("Of this project", true), ...group("Public and shared", false), ...none);
}

function offerRegions() {
  // Another region is what most want.
  const sorted = [...regions].sort((one, other) => Number(one.is_source) - Number(other.is_source));
  const option = (region) => h("option", { value: region.id }, region.is_source ? `${region.id} (this region)` : region.id);
  by("to-region").replaceChildren(...sorted.map(option));
  offerProjects();
}

function offerProjects() {
  const region = regions.find((one) => one.id === by("to-region").value);
  const projects = region?.projects ?? [];
  tell(by("region-hint"), region?.unknown_because);
  const options = projects.map((project) => h("option", { value: project.id }, project.name));
  by("to-project").replaceChildren(...(options.length > 0 ? options : [h("option", { value: "" }, "No project of yours")]));
}

async function submit(started) {
  tell(by("copy-error"), null);
  by("copy-submit").disabled = true;
  try {
    const answer = await ask(JOBS, {
      method: "POST",
      // A second try, after an answer that was lost, finds the job of the first.
      headers: { "Idempotency-Key": key },
      body: {
        image_id: by("image").value,
        tenant_id_dst: by("to-project").value,
        region_id_dst: by("to-region").value,
        if_identical: by("reuse").checked ? "reuse" : "copy",
      },
    });
    const { job_id: job } = await answer.json();
    by("copy-dialog").close();
    started(job);
  } catch (refusal) {
    // What is asked for next may be something else; only an answer that nobody saw is asked for again.
    if (refusal.status !== 0 && refusal.status !== 503) key = newKey();
    tell(by("copy-error"), refusal.message);
  } finally {
    by("copy-submit").disabled = false;
  }
}

/** `randomUUID` is there on encrypted pages only. */
function newKey() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return `dashboard-${[...random].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

by("find").addEventListener("input", offerImages);
by("to-region").addEventListener("change", offerProjects);
by("copy-close").addEventListener("click", () => by("copy-dialog").close());
for (const field of ["image", "to-region", "to-project", "reuse"]) {
  // Another wish is another request.
  by(field).addEventListener("change", () => (key = newKey()));
}
