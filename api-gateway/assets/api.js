// How the gateway is spoken to: JSON both ways, and a refusal is an error with the gateway's own sentence.

/** Where image copy jobs are. */
export const JOBS = "/v2/extension/image_replicator/jobs";

/** An answer other than a success. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }

  /** The token is not valid (any more). Another 401 is about rights at a destination. */
  get isAboutToken() {
    return this.status === 401 && this.message === "Authentication required.";
  }
}

/** Sends a request, and gives the answer or throws a Refusal. */
export async function send(path, { method = "GET", body, headers = {}, signal } = {}) {
  const request = { method, headers: { ...headers }, signal, cache: "no-store", credentials: "omit", redirect: "error" };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, "The gateway cannot be reached. Try again in a moment.");
  }
  if (!answer.ok) throw new Refusal(answer.status, sentenceOf(await answer.text(), answer));
  return answer;
}

/** The path of the next page, if there is one (RFC 8288). */
export function nextPage(answer) {
  const link = answer.headers.get("Link");
  return link?.match(/<([^>]*)>;\s*rel="next"/)?.[1] ?? null;
}

/** The three APIs have three styles; what they say to people is in all of them. */
function sentenceOf(text, answer) {
  if (answer.headers.get("Content-Type")?.startsWith("application/json")) {
    try {
      const said = JSON.parse(text);
      return said.description ?? Object.values(said)[0]?.message ?? text;
    } catch {
      // Some front's own page, perhaps.
    }
  }
  const said = text.split("\n\n")[1]?.trim();
  return said || `The gateway answered ${answer.status} ${answer.statusText}`.trim();
}
