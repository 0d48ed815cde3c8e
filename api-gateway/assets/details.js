// Two dialogs about one job: everything that is known of it, and the question before it is canceled.

import { JOBS } from "./api.js";
import { by, h, say, tell, time } from "./dom.js";
import { bytes, imageOf, moment, status } from "./format.js";
import { ask } from "./session.js";

/** Shows all of a job. */
export function showDetails(job) {
  const id = (text) => h("span", { class: "mono" }, text);
  const at = (iso) => (iso ? time(iso, moment(iso)) : "–");
  const facts = [
    ["Status", status(job.status)[0]],
    ["Progress", `${job.copy_progress} %, ${bytes(job.bytes_copied)} of ${bytes(job.bytes_total)} in attempt ${job.attempt}`],
    ["From", `${job.source_region_id}, project ${job.source_tenant_id}`],
    ["To", `${job.destination_region_id}, project ${job.destination_tenant_id}`],
    ["Image", id(job.source_image_id)],
    ["New image", job.destination_image_id ? id(job.destination_image_id) : "–"],
    ["Job", id(job.job_id)],
    ["Accepted", at(job.created_at)],
    ["Begun", at(job.started_at)],
    ["Ended", at(job.finished_at)],
  ];
  if (job.plan_id) facts.push(["Plan", id(job.plan_id)]);
  say(by("details-title"), imageOf(job));
  tell(by("details-error"), job.error?.message);
  by("details").replaceChildren(...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  by("details-dialog").showModal();
}

/** Asks, and cancels when the answer is yes. */
export function confirmCancel(job) {
  const dialog = by("cancel-dialog");
  say(by("cancel-text"), `${imageOf(job)} is on its way to ${job.destination_region_id}. What has been copied so far is removed there.`);
  tell(by("cancel-error"), null);
  by("cancel-yes").disabled = false;
  by("cancel-yes").onclick = async () => {
    by("cancel-yes").disabled = true;
    try {
      await ask(`${JOBS}/${job.job_id}`, { method: "DELETE" });
      dialog.close();
    } catch (refusal) {
      tell(by("cancel-error"), refusal.message);
    }
  };
  dialog.onclose = () => keepFocus(job);
  dialog.showModal();
  by("cancel-no").focus();
}

/** The button that asked may be gone by now, and then the focus has nowhere to go back to. */
function keepFocus(job) {
  const focused = document.activeElement;
  if (focused !== document.body && focused.checkVisibility()) return;
  const card = document.querySelector(`[data-job="${job.job_id}"] button:not([hidden])`);
  (card ?? by("new-copy")).focus();
}

by("details-close").addEventListener("click", () => by("details-dialog").close());
by("cancel-no").addEventListener("click", () => by("cancel-dialog").close());
