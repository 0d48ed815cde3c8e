// The dashboard: a sign-in, then views of what the signed-in may see, kept up to date for as long as the session lasts.

import { JOBS, nextPage } from "./api.js";
import { showRunning } from "./copies.js";
import { openForm } from "./copy-form.js";
import { confirmCancel, showDetails } from "./details.js";
import { by, h, say, tell } from "./dom.js";
import { follow } from "./events.js";
import { imageOf, status } from "./format.js";
import { History } from "./history.js";
import { Jobs } from "./jobs.js";
import { showOperations } from "./operations.js";
import { showPlans } from "./plans.js";
import { ask, changeProject, end, session, sessions, signIn } from "./session.js";
import { showThroughput } from "./throughput.js";

const RUNNING = "replicate_requested,replicating,cancel_requested,canceling";
/** How often is asked for what no stream tells, in milliseconds. */
const LOOK_EVERY = 3000;

const VIEWS = ["copies", "plans", "operations"];
const jobs = new Jobs();
const acts = { details: showDetails, cancel: confirmCancel };
const scope = () => (by("everybody").checked ? "&all_tenants=true" : "");
const history = new History(jobs, acts, scope);
let stop = new AbortController();
let lastProject = "";

// === the session ===

by("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = by("sign-in").querySelector("button");
  tell(by("sign-in-error"), null);
  button.disabled = true;
  try {
    const project = by("wanted-project").value.trim() || lastProject || undefined;
    await signIn(isByToken()
      ? { token: by("token").value.trim(), project }
      : { user: by("user-name").value.trim(), domain: by("domain").value.trim(), password: by("password").value, project });
  } catch (refusal) {
    tell(by("sign-in-error"), refusal.message);
  } finally {
    button.disabled = false;
  }
});

for (const way of by("sign-in").elements.way) way.addEventListener("change", chooseWay);
by("sign-out").addEventListener("click", () => {
  lastProject = "";
  end();
});
by("project").addEventListener("change", async () => {
  try {
    await changeProject(by("project").value);
  } catch (refusal) {
    by("project").value = session()?.project.id ?? "";
    tell(by("trouble"), refusal.message);
  }
});

sessions.addEventListener("begun", begin);
sessions.addEventListener("ended", ({ detail: reason }) => {
  stop.abort();
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  jobs.clear();
  enter(reason);
});

const isByToken = () => by("sign-in").elements.way.value === "token";

function chooseWay() {
  const byToken = isByToken();
  by("by-password").hidden = byToken;
  by("by-token").hidden = !byToken;
  for (const field of by("by-password").querySelectorAll("input")) field.disabled = byToken;
  by("token").required = byToken;
  by("token").disabled = !byToken;
}

/** Shows the sign-in; what was typed into it is forgotten but for the names. */
function enter(reason) {
  by("password").value = "";
  by("token").value = "";
  tell(by("entrance-notice"), reason);
  show(null);
  (isByToken() ? by("token") : by("user-name")).focus();
}

function begin() {
  stop.abort();
  stop = new AbortController();
  const { user, project, region_id: region, sees_all: seesAll } = session();
  lastProject = project.id;
  by("password").value = "";
  by("token").value = "";
  say(by("region"), region);
  say(by("user"), user.name);
  by("project").replaceChildren(h("option", { value: project.id, selected: true }, project.name || project.id));
  by("everybody").checked = false;
  by("everybody-choice").hidden = !seesAll;
  by("to-operations").hidden = !seesAll;
  by("new-copy").hidden = !session().may_copy;
  jobs.clear();
  route();
  by("main").focus();
  offerProjects();
  follow({ heard: (job) => jobs.learn(job), state: connection, signal: stop.signal });
  keepLooking(stop.signal);
}

async function offerProjects() {
  const here = session();
  try {
    const { projects } = await (await ask("/dashboard/api/projects")).json();
    if (session() !== here) return;
    const options = projects.map(({ id, name }) => h("option", { value: id, selected: id === here.project.id }, name));
    if (options.length > 0) by("project").replaceChildren(...options);
  } catch {
    // The present project is offered already.
  }
}

// === what is shown ===

function connection(word) {
  by("live").dataset.state = word;
  say(by("live"), word === "live" ? "Live" : "Reconnecting");
  // The stream tells what changes from now on.
  if (word === "live") load();
}

/** Reads what runs and what was. */
async function load() {
  try {
    let path = `${JOBS}?status=${RUNNING}&limit=1000${scope()}`;
    while (path) {
      const answer = await ask(path);
      for (const job of await answer.json()) jobs.learn(job);
      path = nextPage(answer);
    }
    await history.load();
    tell(by("trouble"), null);
  } catch (refusal) {
    if (session()) tell(by("trouble"), refusal.message);
  }
}

/** The stream is of the caller's own project, and of jobs only: the rest is asked for, while it is looked at. */
async function keepLooking(signal) {
  while (!signal.aborted) {
    await new Promise((over) => setTimeout(over, LOOK_EVERY));
    if (signal.aborted || document.hidden) continue;
    if (view() === "copies" && by("everybody").checked) await load();
    if (view() === "operations") await attempt(showOperations);
  }
}

async function attempt(shown) {
  try {
    await shown();
    tell(by("trouble"), null);
  } catch (refusal) {
    if (session()) tell(by("trouble"), refusal.message);
  }
}

/** The view that the address names; that of administrators is for them. */
function view() {
  const named = location.hash.slice(1);
  const isThere = VIEWS.includes(named) && (named !== "operations" || session()?.sees_all);
  return isThere ? named : "copies";
}

function route() {
  if (!session()) return;
  const named = view();
  show(named);
  if (named === "plans") attempt(showPlans);
  if (named === "operations") attempt(showOperations);
}

/** Shows one view, or the sign-in for none. */
function show(named) {
  by("entrance").hidden = named !== null;
  by("who").hidden = named === null;
  by("views").hidden = named === null;
  by("region").hidden = named === null;
  if (named === null) tell(by("trouble"), null);
  for (const one of VIEWS) {
    by(`view-${one}`).hidden = one !== named;
    const link = by("views").querySelector(`[href="#${one}"]`);
    if (one === named) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

addEventListener("hashchange", () => {
  route();
  by("main").focus();
});
by("everybody").addEventListener("change", () => {
  jobs.clear();
  load();
});
by("new-copy").addEventListener("click", () => openForm(() => say(by("announcer"), "The copy is accepted.")));
jobs.addEventListener("ended", ({ detail: job }) => {
  const [word] = status(job.status);
  say(by("announcer"), `${imageOf(job)} to ${job.destination_region_id}: ${word}.`);
});

chooseWay();
showRunning(jobs, acts, () => session()?.may_copy || session()?.is_admin);
showThroughput(jobs);
enter(null);
