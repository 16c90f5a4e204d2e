/** The server's routes. Every failure is an ApiError that holds a sentence. */

/** @typedef {{code: string, text: string, values: Record<string, any>}} Sentence */

export class ApiError extends Error {
  /** @param {number} status @param {Sentence} sentence @param {any[]} [problems] of options: {path, code, text, values} */
  constructor(status, sentence, problems = []) {
    super(sentence.text);
    Object.assign(this, { status, sentence, problems });
  }
}

export class Api {
  /** @param {string} root address of the routes, ending in a slash */
  constructor(root) {
    this.root = root;
  }

  /** The address of a route. Parts are joined by slashes and escaped; `query` values that are empty are left out. */
  url(parts, query = {}) {
    const path = [parts]
      .flat()
      .map((part) => encodeURIComponent(String(part)))
      .join("/");
    const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
    return this.root + path + (given.length ? "?" + new URLSearchParams(given) : "");
  }

  get(parts, query) {
    return this.#send("GET", this.url(parts, query));
  }

  post(parts, body = {}) {
    return this.#send("POST", this.url(parts), JSON.stringify(body), "application/json");
  }

  put(parts, body = {}) {
    return this.#send("PUT", this.url(parts), JSON.stringify(body), "application/json");
  }

  delete(parts) {
    return this.#send("DELETE", this.url(parts));
  }

  /** Send a file or a text as it is. */
  raw(method, parts, body, type = "application/octet-stream") {
    return this.#send(method, this.url(parts), body, type);
  }

  async #send(method, url, body, type) {
    const headers = type ? { "Content-Type": type } : {};
    let response;
    try {
      response = await fetch(url, { method, body, headers, credentials: "same-origin", cache: "no-store" });
    } catch {
      throw new ApiError(0, { code: "page.unreachable", text: "The server does not answer.", values: {} });
    }
    const json = (response.headers.get("Content-Type") || "").includes("json");
    const answer = json ? await response.json().catch(() => null) : await response.text();
    if (response.ok) return answer;
    throw new ApiError(response.status, answer?.error || unnamed(response.status), answer?.problems || []);
  }
}

function unnamed(status) {
  return { code: "page.status", text: `The server answered with status ${status}.`, values: { status } };
}
