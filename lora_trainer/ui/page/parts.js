/** A large file in parts: each with its checksum, and from where the server says after a broken connection. */

import { ApiError } from "./api.js";
import { crc32 } from "./crc32.js";
import { Cancelled, patiently, transfer } from "./transfer.js";

/** Files beyond this many bytes go in parts: proxies and tunnels refuse long bodies. */
export const LARGE = 8 * 2 ** 20;
const LOOK_AGAIN = 0.7;

/**
 * Send a file into a data set; the promise holds what became of it: {added, refused}.
 * @param {import("./main.js").App} app @param {string} id of the data set @param {{name: string, body: Blob}} file
 * @param {{signal: AbortSignal, sent: (bytes: number) => void, waiting: (yes: boolean) => void, taking: () => void}} tell
 */
export async function sendInParts(app, id, file, tell) {
  const { api } = app;
  const { signal } = tell;
  const ask = (action) => patiently(action, signal, tell.waiting);
  const uploads = ["datasets", id, "uploads"];
  let state = await ask(() => api.post(uploads, { name: file.name, size: file.body.size }));
  const mine = [...uploads, state.id];
  try {
    while (state.state !== "done") {
      if (signal.aborted) throw new Cancelled();
      if (state.offset < file.body.size) state = await nextPart(api, mine, file.body, state, ask, tell);
      else if (state.state === "receiving") state = await ask(() => api.post([...mine, "finish"]));
      else {
        tell.taking();
        await new Promise((later) => setTimeout(later, LOOK_AGAIN * 1000));
        state = await ask(() => api.get(mine));
      }
    }
    return state.result;
  } catch (error) {
    if (error instanceof Cancelled) api.delete(mine).catch(() => {});
    throw error;
  }
}

/** Send one part; the state afterwards. */
async function nextPart(api, mine, body, state, ask, tell) {
  const { offset } = state;
  const bytes = new Uint8Array(await body.slice(offset, offset + state.part).arrayBuffer());
  const url = api.url(mine, { offset, crc32: crc32(bytes) });
  let tried = false;
  const send = async () => {
    if (tried) {
      const now = await api.get(mine); // the part may have arrived although the answer did not
      if (now.offset !== offset) return now;
    }
    tried = true;
    return transfer("PUT", url, bytes, tell.signal, (sent) => tell.sent(offset + Math.min(sent, bytes.length)));
  };
  try {
    const now = await ask(() => send().catch(again));
    tell.sent(now.offset);
    return now;
  } catch (error) {
    const right = error instanceof ApiError && error.sentence.code === "upload_offset" && error.sentence.values.offset;
    if (typeof right !== "number" || right === offset) throw error;
    tell.sent(right);
    return { ...state, offset: right };
  }
}

/** A part that was damaged on its way is sent once more, like one that did not arrive. */
function again(error) {
  if (error instanceof ApiError && error.sentence.code === "part_damaged") throw new ApiError(0, error.sentence);
  throw error;
}
