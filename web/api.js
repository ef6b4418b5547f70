// The HTTP API as this page uses it: one method per operation. Knows nothing of the page.

const ATTEMPTS = 4;
const PASSING = new Set([429, 502, 503, 504]);

/** An answer that is an error: `code` and `detail` are those of application/problem+json (RFC 9457). */
export class Problem extends Error {
  /** Whether the same request may work later. */
  get passes() {
    return PASSING.has(this.status);
  }

  constructor(status, body, retryAfter) {
    const { code, title, detail, limit, measured, request_id: requestId } = Object(body);
    super(detail || `the service answered with status ${status}`);
    Object.assign(this, { name: "Problem", status, code, title, limit, measured, requestId, retryAfter });
  }
}

/** Calls the service with one API key. `onUnauthenticated` hears of every key that is refused. */
export class Api {
  #onUnauthenticated;
  key = null;

  constructor(onUnauthenticated) {
    this.#onUnauthenticated = onUnauthenticated;
  }

  /** Whose key it is. */
  account() {
    return this.#call("GET", "/v1/account");
  }

  /** `token` makes repeating the call harmless. `sha256` is left out if it is not known. */
  initiate(file, sha256, token, signal) {
    const body = { filename: file.name, content_type: file.type || "application/octet-stream", size_bytes: file.size };
    if (sha256) body.sha256 = sha256;
    return this.#call("POST", "/v1/uploads", { body, signal, headers: { "Idempotency-Key": token } });
  }

  listParts(uploadId, signal) {
    return this.#call("GET", `/v1/uploads/${encodeURIComponent(uploadId)}/parts`, { signal });
  }

  signParts(uploadId, partNumbers, signal) {
    const body = { part_numbers: partNumbers };
    return this.#call("POST", `/v1/uploads/${encodeURIComponent(uploadId)}/urls`, { body, signal });
  }

  complete(uploadId, signal) {
    return this.#call("POST", `/v1/uploads/${encodeURIComponent(uploadId)}/complete`, { signal });
  }

  abort(uploadId) {
    return this.#call("DELETE", `/v1/uploads/${encodeURIComponent(uploadId)}`);
  }

  getFile(fileId) {
    return this.#call("GET", `/v1/files/${encodeURIComponent(fileId)}`);
  }

  deleteFile(fileId) {
    return this.#call("DELETE", `/v1/files/${encodeURIComponent(fileId)}`);
  }

  listFiles(limit, cursor) {
    const query = new URLSearchParams(cursor ? { limit, cursor } : { limit });
    return this.#call("GET", `/v1/files?${query}`);
  }

  #call(method, path, options = {}) {
    // A network error is a TypeError (Fetch standard).
    const mayPass = (error) => error instanceof TypeError || error.passes === true;
    return retry(ATTEMPTS, options.signal, () => this.#once(method, path, options), mayPass);
  }

  async #once(method, path, { body, headers = {}, signal }) {
    const key = this.key;
    const init = { method, signal, cache: "no-store", headers: { ...headers, Authorization: `Bearer ${key}` } };
    if (body) {
      init.headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const response = await fetch(path, init);
    if (response.ok) return response.status === 204 ? null : response.json();
    // A proxy in between may answer with something else than JSON.
    const problem = await response.json().catch(() => null);
    if (response.status === 401) this.#onUnauthenticated(key);
    throw new Problem(response.status, problem, Number(response.headers.get("Retry-After")));
  }
}

/** Runs `action` until it succeeds, fails for good, or has failed `attempts` times. Waits longer each time. */
export async function retry(attempts, signal, action, mayPass) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action(attempt);
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt >= attempts || !mayPass(error)) throw error;
      const most = Math.min(500 * 2 ** attempt, 15_000);
      const asked = 1000 * Math.min(error.retryAfter || 0, 30);
      await pause(Math.max(asked, most * (0.5 + Math.random() / 2)), signal);
    }
  }
}

/** Waits, or rejects as soon as `signal` says stop. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
