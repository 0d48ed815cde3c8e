// What administrators see besides: every region's queue, who works on what, and whose copies run or wait.

import { by, h, say, table } from "./dom.js";
import { away } from "./format.js";
import { ask } from "./session.js";

/** Reads and shows it once. */
export async function showOperations() {
  const answer = await ask("/dashboard/api/workload");
  const workload = await answer.json();
  const { copies_per_tenant: tenant, copies_per_source: source, copies_per_destination: destination } = workload.limits;
  say(by("limits"), `Copies at once: ${tenant} a project into a region, ${source} out of a region, ${destination} into one`);
  draw("queues", table("Queues by region",
    [{ title: "Region" }, { title: "Waiting", number: true }, { title: "Running", number: true }, { title: "Out of it", number: true, wide: true },
      { title: "Errands", number: true, wide: true }, { title: "Leftovers", number: true, wide: true }, { title: "State" }],
    workload.regions.map((region) => [region.id, ...[region.waiting, region.running_into, region.running_out_of,
      region.errands_waiting, region.leftovers].map(String), state(region)])));
  list("workers", "no-workers", workload.workers, () => table("Workers at work",
    [{ title: "Worker" }, { title: "Region" }, { title: "Holds" }],
    workload.workers.map((worker) => [worker.id, worker.region_id, worker.units.map(unit)])));
  list("tenants", "no-tenants", workload.tenants, () => table("Projects with copies that run or wait",
    [{ title: "Project" }, { title: "From" }, { title: "To" }, { title: "Running", number: true }, { title: "Waiting", number: true }, { title: "Open", number: true, wide: true }],
    workload.tenants.map((one) => [h("span", { class: "mono" }, one.tenant_id), one.source_region_id, one.destination_region_id,
      ...[one.running, one.waiting, one.open].map(String)])));
}

function state(region) {
  if (!region.drained_by) return h("span", { class: "pill good" }, "Open");
  return [h("span", { class: "pill warn" }, "Drained"), h("span", { class: "sub" }, `by ${region.drained_by}, ${away(region.drained_since)}`)];
}

function unit(held) {
  const what = held.kind === "copy" ? `${held.image_name || held.job_id}, ${held.copy_progress} %` : held.kind.replaceAll("_", " ");
  const how = held.is_lapsed ? "lease is over" : held.stage ?? "begins";
  return h("span", { class: "sub" }, `${what} (${how})`);
}

function list(id, empty, items, make) {
  by(empty).hidden = items.length > 0;
  if (items.length > 0) draw(id, make());
  else by(id).replaceChildren();
}

/** Leaves alone what has not changed, so that a reader keeps its place. */
function draw(id, made) {
  const place = by(id);
  if (place.firstElementChild?.isEqualNode(made)) return;
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(made);
  if (hadFocus) made.focus();
}
