/** Bodies that are sent with progress, may be cancelled, and are tried again when a connection breaks. */

import { ApiError } from "./api.js";

const WAITS = [1, 2, 4, 8, 15, 30, 30, 30];
/** Seconds before each new try. */
const STALLED = 120;
/** Seconds without any sign of life after which a connection counts as broken. */
const PASSING = [0, 408, 425, 429, 502, 503, 504];
/** What servers and proxies answer that may be otherwise in a moment; 0 is no answer. */

/** The reader has pressed Cancel. */
export class Cancelled extends Error {}

/** Whether it is worth a new try. */
export function passes(error) {
  return error instanceof ApiError && PASSING.includes(error.status);
}

/**
 * Send a body; the promise holds the answer's JSON.
 * @param {string} method @param {string} url @param {Blob | Uint8Array} body
 * @param {AbortSignal} signal @param {(sent: number) => void} tell how many bytes are on their way
 */
export function transfer(method, url, body, signal, tell) {
  return new Promise((done, failed) => {
    if (signal.aborted) return failed(new Cancelled());
    const request = new XMLHttpRequest();
    let watch = 0;
    let stalled = false;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => ((stalled = true), request.abort()), STALLED * 1000);
    };
    const cancel = () => request.abort();
    const unreachable = () => failed(new ApiError(0, { code: "page.unreachable", text: "No answer.", values: {} }));
    request.open(method, url);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => (alive(), tell(event.loaded));
    request.onload = () => answered(request, done, failed);
    request.onerror = unreachable;
    request.onabort = () => (stalled ? unreachable() : failed(new Cancelled()));
    request.onloadend = () => (clearTimeout(watch), signal.removeEventListener("abort", cancel));
    signal.addEventListener("abort", cancel);
    alive();
    request.send(body);
  });
}

function answered(request, done, failed) {
  let answer = null;
  try {
    answer = JSON.parse(request.responseText);
  } catch {
    /* A proxy's own page. */
  }
  if (request.status >= 200 && request.status < 300 && answer) return done(answer);
  const status = request.status;
  const unnamed = { code: "page.status", text: `The server answered with status ${status}.`, values: { status } };
  failed(new ApiError(status === 200 ? 502 : status, answer?.error || unnamed));
}

/**
 * What `action` gives, tried again after failures that pass.
 * @param {() => Promise<any>} action @param {AbortSignal} signal @param {(waiting: boolean) => void} tell
 */
export async function patiently(action, signal, tell) {
  for (let failures = 0; ; failures++) {
    try {
      return await action();
    } catch (error) {
      if (!passes(error) || failures >= WAITS.length) throw error;
      tell(true);
      await pause(WAITS[failures], signal);
      tell(false);
    }
  }
}

/** Wait, or throw Cancelled. @param {number} seconds @param {AbortSignal} signal */
export function pause(seconds, signal) {
  return new Promise((done, failed) => {
    const stop = () => (clearTimeout(timer), failed(new Cancelled()));
    const timer = setTimeout(() => (signal.removeEventListener("abort", stop), done(undefined)), seconds * 1000);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
