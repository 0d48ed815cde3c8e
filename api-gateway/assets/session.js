// Who has signed in. The token is in this module's memory and nowhere else: no storage, no cookie, no address.

import { Refusal, send } from "./api.js";

let current = null;

/** Tells `begun` and `ended`; the detail of an end is a sentence, or null after a sign-out. */
export const sessions = new EventTarget();

/** The session, or null: `user`, `project`, `region_id`, `expires_at` and what they may do. */
export const session = () => current;

/** Signs in, or on to another project. */
export async function signIn(proof) {
  const answer = await send("/dashboard/api/sign-in", { method: "POST", body: proof });
  current = await answer.json();
  sessions.dispatchEvent(new CustomEvent("begun"));
}

/** Goes on in another project with the token that is there. */
export const changeProject = (project) => signIn({ token: current.token, project });

/** Forgets the token. */
export function end(reason = null) {
  if (!current) return;
  current = null;
  sessions.dispatchEvent(new CustomEvent("ended", { detail: reason }));
}

/** The token's own time is over. */
export const expire = () => end("Your session has ended. Sign in again to go on; copies go on meanwhile.");

/** Sends a request with the token. A token that is not valid any more ends the session. */
export async function ask(path, options = {}) {
  const asking = current;
  if (!asking) throw new Refusal(401, "Authentication required.");
  try {
    return await send(path, { ...options, headers: { ...options.headers, "X-Auth-Token": asking.token } });
  } catch (refusal) {
    // An answer to a token of before says nothing of the present one.
    if (refusal.isAboutToken && asking === current) expire();
    throw refusal;
  }
}
