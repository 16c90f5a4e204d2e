/** A caption as tags between commas. The server's tagging/tags.py does the same: tests/tagging/captions.json binds both. */

/** The tags in their order, without empty ones. A group such as "(red hair, blue eyes:1.2)" is one tag. */
export function split(caption) {
  let parts = caption.split(",").map(line).filter(Boolean);
  const tags = [];
  while (parts.length) {
    const size = group(parts);
    tags.push(parts.slice(0, size).join(", "));
    parts = parts.slice(size);
  }
  return tags;
}

/** A text on one line. */
export const line = (text) => text.split(/\s+/).filter(Boolean).join(" ");

export const joined = (tags) => tags.filter(Boolean).join(", ");

/** What tags are compared by. */
export const key = (tag) => tag.normalize("NFC").toLowerCase();

/** How many of the parts between commas, from the first on, are one tag. */
function group(parts) {
  let depth = 0;
  for (let size = 1; size <= parts.length && parts[0].startsWith("("); size++) {
    const bare = parts[size - 1].replace(/\\./g, "");
    depth += bare.split("(").length - bare.split(")").length;
    if (depth <= 0) return depth === 0 && bare.endsWith(")") ? size : 1;
  }
  return 1;
}

/** How often each tag stands in captions that were taken apart: [{key, tag, count}], the most frequent first. */
export function counted(captions) {
  const found = new Map();
  for (const { keys } of captions) {
    for (const [name, tag] of keys) {
      const one = found.get(name);
      if (one) one.count++;
      else found.set(name, { key: name, tag, count: 1 });
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
}
