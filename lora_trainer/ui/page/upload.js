/** Files on their way from the browser to a data set. */

const AT_ONCE = 3;

/** The files of a drop, those in dropped folders included. @param {DataTransfer} transfer @returns {Promise<File[]>} */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function filesBelow(entry) {
  if (entry.isFile) return [await new Promise((found, failed) => entry.file(found, failed))];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const batch = await new Promise((found, failed) => reader.readEntries(found, failed));
    if (!batch.length) return files;
    files.push(...(await Promise.all(batch.map(filesBelow))).flat());
  }
}

/**
 * Send files, a few at a time; the store's `upload` tells how far it is.
 * @param {import("./main.js").App} app @param {string} id of the data set @param {File[]} files
 * @returns {Promise<any[]>} those that were refused: {name, code, text, values}
 */
export async function upload(app, id, files) {
  const refused = [];
  const waiting = [...files];
  let done = 0;
  const tell = () => app.store.set({ upload: { done, total: files.length } });
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      try {
        const answer = await app.api.raw("PUT", ["datasets", id, "files", file.name], file);
        refused.push(...(answer.refused || []));
      } catch (error) {
        refused.push({ name: file.name, ...(error.sentence || { code: "", text: String(error), values: {} }) });
      }
      done += 1;
      tell();
    }
  };
  tell();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  app.store.set({ upload: null });
  return refused;
}
