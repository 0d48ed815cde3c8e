// Server-sent events, read with `fetch`: an EventSource could not send the token as a header, and an address is no place for one.

import { JOBS } from "./api.js";
import { ask, expire } from "./session.js";

const SHORTEST_PAUSE = 1000;
const LONGEST_PAUSE = 15000;

/**
 * Follows the changes of all the project's jobs until `signal` says so. `heard(job)` gets each; `state(word)` hears "live" whenever
 * the stream is open, and "lost" until it is again.
 */
export async function follow({ heard, state, signal }) {
  let [last, pause] = [null, SHORTEST_PAUSE];
  while (!signal.aborted) {
    try {
      const answer = await ask(`${JOBS}/events`, { headers: last ? { "Last-Event-ID": last } : {}, signal });
      state("live");
      pause = SHORTEST_PAUSE;
      for await (const event of eventsOf(answer.body)) {
        if (event.id) last = event.id;
        if (event.name === "token_expired") return expire();
        if (event.data) heard(JSON.parse(event.data));
      }
    } catch (error) {
      if (signal.aborted || error.isAboutToken) return;
      // The store may have been exchanged, and with it what ids mean.
      if (error.status === 400) last = null;
    }
    state("lost");
    await new Promise((over) => setTimeout(over, pause));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

/** The events of a stream of bytes (HTML standard, 9.2.6). */
export async function* eventsOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, event] = ["", {}];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (Object.keys(event).length > 0) yield event;
          event = {};
          continue;
        }
        const [, field, text] = line.match(/^([^:]*):? ?(.*)$/);
        if (field === "event") event.name = text;
        if (field === "id") event.id = text;
        if (field === "data") event.data = event.data === undefined ? text : `${event.data}\n${text}`;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
