// The project's plans, the next to fire first.

import { by, h, tell, time } from "./dom.js";
import { away, moment, utc } from "./format.js";
import { ask, session } from "./session.js";

const STATUSES = { scheduled: ["Scheduled", "good"], running: ["Running", "info"], stop: ["Stopped", "warn"], completed: ["Completed", ""] };
const RESULTS = { success: "succeeded", fail: "failed", aborted: "was aborted", skipped: "was skipped", missed: "was missed" };

/** Reads and shows them. */
export async function showPlans() {
  const answer = await ask(`/v2/${session().project.id}/jobs?limit=1000`);
  const { jobs: plans } = await answer.json();
  const last = "9999";
  plans.sort((one, other) => ((one.next_fire_at ?? last) < (other.next_fire_at ?? last) ? -1 : 1));
  by("plans").replaceChildren(...plans.map(card));
  by("no-plans").hidden = plans.length > 0;
  tell(by("trouble"), null);
}

function card(plan) {
  const [word, look] = plan.disabled ? ["Disabled", "warn"] : STATUSES[plan.status];
  const next = plan.next_fire_at ? utc(plan.next_fire_at) : null;
  const facts = [
    ["Next fire", next && !plan.disabled ? h("span", {}, time(next, moment(next)), ` (${away(next)})`) : "none"],
    ["Schedule", schedule(plan.job_schedule)],
    ["Copies", copies(plan.job_actions)],
    ["Last run", lastRun(plan.last_run)],
  ];
  return h("li", { class: "card stack", "data-plan": plan.job_id },
    h("div", { class: "row" }, h("h2", {}, plan.name || plan.job_id), h("span", { class: `pill ${look}` }, word)),
    plan.description ? h("p", { class: "muted" }, plan.description) : null,
    h("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}

function copies(actions) {
  const said = actions.map(({ freezer_action: action }) => {
    const image = action.image_name ? `the newest ${action.image_name}`
      : action.image_tag ? `all tagged ${action.image_tag}` : `image ${action.image_id}`;
    const kept = Number(action.recovery_points_rotation) > 0 ? `, the newest ${action.recovery_points_rotation} are kept` : "";
    const region = action.region_id_dst ? ` in ${action.region_id_dst}` : "";
    return h("span", { class: "sub" }, `${image} for project ${action.tenant_id_dst}${region}${kept}`);
  });
  return h("span", {}, ...said);
}

function lastRun(run) {
  if (!run) return "none yet";
  const result = run.result ? RESULTS[run.result] : "is under way";
  const begun = utc(run.started_at);
  return h("span", {}, time(begun, moment(begun)), ` ${result}`, ...run.messages.map((text) => h("span", { class: "sub" }, text)));
}

/** A schedule in words; all its times are UTC. */
function schedule(written) {
  const field = (name) => written[`schedule_${name}`];
  if (field("date")) return `once, at ${field("date")} UTC`;
  if (field("interval")) return `every ${field("interval")}`;
  const names = ["year", "month", "day", "week", "day_of_week", "hour", "minute", "second"];
  const given = names.filter((name) => field(name) !== undefined && field(name) !== null && field(name) !== "*");
  const isClock = given.every((name) => ["hour", "minute", "second"].includes(name) && /^\d+$/.test(field(name)));
  if (isClock && given.includes("hour")) {
    const [hour, minute] = ["hour", "minute"].map((name) => String(Number(field(name) ?? 0)).padStart(2, "0"));
    return `every day at ${hour}:${minute} UTC`;
  }
  if (given.length === 0) return names.some((name) => field(name) === "*") ? "again and again" : "once";
  return `at ${given.map((name) => `${name.replaceAll("_", " ")} ${field(name)}`).join(", ")} (UTC)`;
}

by("reload-plans").addEventListener("click", () => showPlans().catch((refusal) => tell(by("trouble"), refusal.message)));
