// Sends the files of this page, a few at a time. What the network stops goes on by itself.

import { pause } from "./api.js";
import * as kept from "./kept.js";
import { Upload, remedy } from "./upload.js";
import { errorWords } from "./view.js";

const FILES_AT_ONCE = 2;
const FIRST_WAIT_MS = 2000;
const LAST_WAIT_MS = 60_000;

export class Sender {
  /** Whose uploads these are. */
  owner = null;
  #api;
  #list;
  #announce;
  #onChanged;
  /** Cards whose bytes are not all sent, with what is known of their sending. */
  #unsent = new Map();
  #queue = [];
  #sending = 0;
  /** Ends all waits for the network. */
  #network = new AbortController();
  #total = { files: 0, done: 0, bytes: 0, doneBytes: 0 };

  constructor(api, list, { announce, onChanged }) {
    this.#api = api;
    this.#list = list;
    this.#announce = announce;
    this.#onChanged = onChanged;
  }

  get isBusy() {
    return this.#sending > 0 || this.#queue.length > 0;
  }

  has(card) {
    return this.#unsent.has(card);
  }

  /** A card for a file, on top; or the card of an upload that was kept, which goes on. */
  prepare(file, open) {
    const session = this.owner ? kept.find(this.owner, file) : null;
    const known = session && this.#list.cardOf(session.file_id);
    if (known && this.has(known)) return known;
    const card = known ?? this.#list.prepend();
    const upload = new Upload(this.#api, file, session);
    const owner = this.owner;
    upload.onOpen = (opened) => {
      this.#list.bind(card, opened.file_id);
      if (owner && opened.upload) kept.keep(owner, file, opened);
    };
    upload.onProgress = this.#progress(card, file.size);
    if (session) this.#list.bind(card, session.file_id);
    card.showLocal(file);
    card.toggle(open);
    card.onAgain = () => this.enqueue(card);
    this.#unsent.set(card, { upload, size: file.size, sent: 0, waits: 0, waiting: false, stop: new AbortController() });
    this.#total.files += 1;
    this.#total.bytes += file.size;
    return card;
  }

  enqueue(card) {
    const state = this.#unsent.get(card);
    if (!state || this.#queue.includes(card) || state.active) return;
    card.showError("");
    card.showQueued();
    state.stop = new AbortController();
    this.#queue.push(card);
    this.#next();
  }

  /** The network is back. */
  goOn() {
    this.#network.abort();
    this.#network = new AbortController();
  }

  async cancel(card) {
    const state = this.#unsent.get(card);
    if (!state || state.cancelled) return;
    state.cancelled = true;
    state.stop.abort();
    this.#queue = this.#queue.filter((queued) => queued !== card);
    this.#leave(state);
    this.#report();
    const error = await this.#abort(card, state);
    // Too late to cancel: the service has the file.
    if (error?.code === "upload_completed") return this.#taken(card);
    if (error && !["not_found", "upload_aborted", "upload_expired", "file_deleted"].includes(error.code)) {
      state.cancelled = false;
      return card.showStopped(errorWords(error), "again");
    }
    this.#announce(`${card.name}: cancelled`);
    this.#drop(card);
  }

  /** Gives the upload up, however long the network takes to come back. Resolves with what else is in the way. */
  async #abort(card, state) {
    for (let times = 1; ; times += 1) {
      try {
        return await state.upload.abort();
      } catch (error) {
        if (remedy(error) !== "wait") return error;
        card.showWaiting("Cancelled once the network is back");
        await this.#untilBack(times);
      }
    }
  }

  cancelAll() {
    for (const card of [...this.#unsent.keys()]) this.cancel(card);
  }

  /** Stops all, and leaves the uploads as they are. */
  dropAll() {
    for (const card of [...this.#unsent.keys()]) {
      this.#unsent.get(card).stop.abort();
      this.#unsent.delete(card);
      this.#list.remove(card);
    }
    this.#queue = [];
    this.#report();
  }

  #next() {
    while (this.#sending < FILES_AT_ONCE && this.#queue.length > 0) {
      const card = this.#queue.shift();
      const state = this.#unsent.get(card);
      if (!state) continue;
      this.#sending += 1;
      state.active = true;
      this.#send(card, state).finally(() => {
        state.active = false;
        this.#sending -= 1;
        this.#next();
      });
    }
  }

  async #send(card, state) {
    const { signal } = state.stop;
    try {
      await state.upload.send(signal);
      if (!signal.aborted) this.#taken(card);
    } catch (error) {
      if (signal.aborted) return;
      const next = remedy(error);
      if (next === "wait") this.#wait(card, state);
      else {
        if (next === "never") this.#leave(state);
        card.showStopped(errorWords(error), next);
        this.#announce(`${card.name}: upload stopped`);
      }
    }
    this.#report();
  }

  /** Tries again later by itself, and at once when the network is back. */
  async #wait(card, state) {
    state.waits += 1;
    state.waiting = true;
    card.showWaiting("Waiting for the network");
    this.#announce(`${card.name}: waiting for the network`);
    const { signal } = state.stop;
    await this.#untilBack(state.waits, signal);
    state.waiting = false;
    // `send` may be at its last words still.
    state.active = false;
    if (!signal.aborted) this.enqueue(card);
  }

  /** Longer each time, and no longer when the network is back or `signal` says stop. */
  async #untilBack(times, signal = this.#network.signal) {
    const most = Math.min(FIRST_WAIT_MS * 2 ** (times - 1), LAST_WAIT_MS);
    const either = AbortSignal.any([signal, this.#network.signal]);
    await pause(most * (0.5 + Math.random() / 2), either).catch(() => {});
  }

  /** Every step is seen, every quarter is said. */
  #progress(card, size) {
    let quarters = 0;
    return (bytes) => {
      const state = this.#unsent.get(card);
      if (!state) return;
      if (bytes > state.sent) state.waits = 0;
      state.sent = bytes;
      card.showSent(bytes, size);
      this.#report();
      const reached = Math.floor((4 * bytes) / size);
      if (reached > quarters) this.#announce(`${card.name}: ${25 * reached} % sent`);
      quarters = reached;
    };
  }

  /** From here on the service has the file. */
  #taken(card) {
    const state = this.#unsent.get(card);
    if (!state) return;
    kept.forget(card.fileId);
    if (!state.left) {
      this.#total.done += 1;
      this.#total.doneBytes += state.size;
    }
    this.#unsent.delete(card);
    card.hideSending();
    this.#list.follow(card);
    this.#report();
  }

  #drop(card) {
    const state = this.#unsent.get(card);
    if (state) this.#leave(state);
    kept.forget(card.fileId);
    this.#unsent.delete(card);
    this.#list.remove(card);
    this.#report();
  }

  /** It does not count among what is sent any more. */
  #leave(state) {
    if (state.left) return;
    state.left = true;
    this.#total.files -= 1;
    this.#total.bytes -= state.size;
  }

  #report() {
    const open = [...this.#unsent.values()].filter((state) => !state.left);
    if (open.length === 0) this.#total = { files: 0, done: 0, bytes: 0, doneBytes: 0 };
    const { files, done, bytes, doneBytes } = this.#total;
    const sent = open.reduce((sum, state) => sum + state.sent, doneBytes);
    const waiting = open.filter((state) => state.waiting).length;
    this.#onChanged({ files, done, bytes, sent, waiting });
  }
}
