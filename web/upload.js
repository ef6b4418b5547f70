// Sends one file: opens the upload, puts its parts into the object store, completes it. Knows nothing of the page.

import { Problem, retry } from "./api.js";
import { sha256 } from "./digest.js";

const PARTS_AT_ONCE = 4;
const ATTEMPTS = 6;
const SIGN_AT_ONCE = 100;
/** Addresses about to expire are not begun with. */
const MARGIN_MS = 30_000;
/** A request that moves no byte for so long is given up. */
const STALL_MS = 60_000;
/** Headers a browser sets itself and lets no script touch (Fetch standard, forbidden request-header). */
const BROWSERS_OWN = /^(content-length|host|connection|date|expect|origin|referer|te|via|(proxy|sec)-.*)$/i;
/** Errors after which the upload cannot go on, but a new one can be opened. */
const OVER = new Set(["upload_aborted", "upload_expired", "file_deleted", "not_found"]);

/** The store refused, or could not be reached: `status` is 0 then. */
class StoreError extends Error {
  constructor(status) {
    super(status ? `The object store answered with status ${status}.` : "The object store cannot be reached.");
    this.status = status;
  }

  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** What cannot work however often it is tried. */
class Hopeless extends Error {}

/** What to do about an error: `wait` and go on, offer to try `again`, or neither (`never`). */
export function remedy(error) {
  if (error instanceof TypeError || error.passes) return "wait";
  if (error instanceof Hopeless || error.name === "NotReadableError" || error.name === "NotFoundError") return "never";
  // Another key, another state of the upload, or a fault of the service may let it work.
  if (error instanceof Problem) return [401, 404, 409, 410].includes(error.status) || error.status >= 500 ? "again" : "never";
  return "again";
}

/** An upload that can be sent again after it failed: parts that have arrived are not sent twice. */
export class Upload {
  #api;
  #file;
  #sha256;
  #token = randomToken();
  #session = null;
  #opening = false;
  #addresses = new Map();
  #sent = new Map();
  #signing = null;

  /** Called with the session once the service knows it: its file's id, and what is needed to resume. */
  onOpen = () => {};
  /** Called with the number of bytes sent. */
  onProgress = () => {};

  /** `session` is one that was kept: the upload goes on where it stopped. */
  constructor(api, file, session = null) {
    this.#api = api;
    this.#file = file;
    this.#session = session;
  }

  /** Resolves with the file's id once every byte has arrived and the service has taken it over. */
  async send(signal) {
    if (this.#file.size === 0) throw new Hopeless("The file is empty.");
    const arrived = await this.#open(signal);
    // An earlier answer was lost: the service has had the file for a while.
    if (!this.#session.upload) return this.#session.file_id;
    const parts = this.#plan();
    this.#sent = new Map(parts.filter((part) => arrived(part)).map((part) => [part.number, part.size]));
    this.#report();
    const missing = parts.filter((part) => !arrived(part));
    await inParallel(PARTS_AT_ONCE, missing, signal, (part, stop) => this.#sendPart(part, stop));
    await this.#api.complete(this.#session.upload_id, signal);
    return this.#session.file_id;
  }

  /** Gives the upload up, if it was ever opened. The answer to an opening may have been lost: the token finds it. */
  async abort() {
    if (this.#opening) await this.#initiate();
    if (this.#session) await this.#api.abort(this.#session.upload_id);
  }

  /** Opens the upload, or finds out how far it came. Resolves with a test for parts that need not be sent. */
  async #open(signal) {
    if (this.#session) {
      try {
        const { parts } = await this.#api.listParts(this.#session.upload_id, signal);
        const stored = new Map(parts.map((part) => [part.part_number, part.size_bytes]));
        return (part) => stored.get(part.number) === part.size;
      } catch (error) {
        if (error.code === "upload_completed") return () => true;
        if (!OVER.has(error.code)) throw error;
        this.#token = randomToken();
      }
    }
    this.#sha256 ??= await sha256(this.#file);
    signal.throwIfAborted();
    await this.#initiate(signal);
    this.#addresses.clear();
    const { upload } = this.#session;
    if (upload) this.#remember(upload.strategy === "single" ? [{ ...upload, part_number: 1 }] : upload.parts);
    this.onOpen(this.#session);
    return () => false;
  }

  async #initiate(signal) {
    this.#opening = true;
    try {
      this.#session = await this.#api.initiate(this.#file, this.#sha256, this.#token, signal);
      this.#opening = false;
    } catch (error) {
      // After a plain no there is nothing to be found.
      this.#opening = !(error instanceof Problem) || error.passes;
      throw error;
    }
  }

  #plan() {
    const total = this.#file.size;
    const { part_size_bytes: size = total, part_count: count = 1 } = this.#session.upload;
    return Array.from({ length: count }, (_, index) => {
      const start = index * size;
      return { number: index + 1, start, size: Math.min(size, total - start) };
    });
  }

  async #sendPart(part, signal) {
    // A slice has no media type, so that no Content-Type is sent that was not signed.
    const bytes = this.#file.slice(part.start, part.start + part.size);
    const attempt = async (number) => {
      const address = await this.#address(part.number, number > 1, signal);
      await put(address, bytes, signal, (loaded) => this.#report(part.number, loaded));
      this.#report(part.number, part.size);
    };
    // The service's own word is final; what the store or the network say may pass.
    await retry(ATTEMPTS, signal, attempt, (error) => !(error instanceof Problem));
  }

  /** A second try always gets a fresh address: an expired one can look like a broken connection. */
  async #address(number, fresh, signal) {
    if (fresh) return (await this.#sign([number], signal))[0];
    if (!this.#usable(number)) {
      const last = Math.min(number + SIGN_AT_ONCE - 1, this.#session.upload.part_count ?? 1);
      const numbers = Array.from({ length: last - number + 1 }, (_, index) => number + index);
      this.#signing ??= this.#sign(numbers, signal).finally(() => (this.#signing = null));
      await this.#signing;
    }
    return this.#addresses.get(number) ?? (await this.#sign([number], signal))[0];
  }

  async #sign(numbers, signal) {
    const { parts } = await this.#api.signParts(this.#session.upload_id, numbers, signal);
    this.#remember(parts);
    return parts;
  }

  #remember(parts) {
    for (const part of parts) this.#addresses.set(part.part_number, part);
  }

  #usable(number) {
    const address = this.#addresses.get(number);
    return address && Date.parse(address.expires_at) - Date.now() > MARGIN_MS;
  }

  #report(number, bytes) {
    if (number) this.#sent.set(number, bytes);
    let sum = 0;
    for (const sent of this.#sent.values()) sum += sent;
    this.onProgress(sum);
  }
}

/** One request to the object store. XMLHttpRequest, because `fetch` does not tell how much is sent. */
function put({ method, url, headers }, bytes, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled;
    const stop = () => request.abort();
    const watch = () => {
      clearTimeout(stalled);
      stalled = setTimeout(stop, STALL_MS);
    };
    request.upload.onprogress = ({ loaded }) => {
      watch();
      onProgress(loaded);
    };
    request.onloadend = () => {
      clearTimeout(stalled);
      signal.removeEventListener("abort", stop);
      if (request.status >= 200 && request.status < 300) return resolve();
      onProgress(0);
      reject(signal.aborted ? signal.reason : new StoreError(request.status));
    };
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, { once: true });
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      if (!BROWSERS_OWN.test(name)) request.setRequestHeader(name, value);
    }
    watch();
    request.send(bytes);
  });
}

/** Runs `action` for every item, `width` at a time. The first failure stops the others. */
async function inParallel(width, items, signal, action) {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await action(item, stop);
  };
  try {
    await Promise.all(Array.from({ length: width }, worker));
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}

/** 128 random bits. (`randomUUID` is missing on pages without TLS.) */
function randomToken() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
