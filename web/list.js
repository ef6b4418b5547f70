// The owner's files as cards: lists them by pages and follows each until nothing will change any more.

import { Problem, pause } from "./api.js";
import * as kept from "./kept.js";
import { Card, copyText, errorWords } from "./view.js";

const PAGE_SIZE = 12;
const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 2000;

export class FileList {
  #api;
  #element;
  #announce;
  #onRemoved;
  #onCancel;
  /** Whose files these are. */
  owner = null;
  #cards = new Map();
  #following = new Set();
  #nextCursor;
  /** The list names no variants and no runs: cards ask for theirs when they come into view. */
  #onceSeen = new IntersectionObserver((entries) => this.#seen(entries));

  /** `announce` tells those who do not see the page; `onCancel` gives an upload up. */
  constructor(api, element, { announce, onRemoved, onCancel }) {
    this.#api = api;
    this.#element = element;
    this.#announce = announce;
    this.#onRemoved = onRemoved;
    this.#onCancel = onCancel;
  }

  cardOf(fileId) {
    return this.#cards.get(fileId);
  }

  get isEmpty() {
    return this.#element.childElementCount === 0;
  }

  get hasMore() {
    return this.#nextCursor !== undefined;
  }

  /** A new card on top, for a file the service does not know yet. */
  prepend() {
    const card = this.#newCard();
    this.#element.prepend(card.element);
    return card;
  }

  /** From now on this card shows that file. */
  bind(card, fileId) {
    this.#cards.delete(card.fileId);
    card.fileId = fileId;
    this.#cards.set(fileId, card);
  }

  /** Whoever was on the card is taken to the next one. */
  remove(card) {
    const had = card.element.contains(document.activeElement);
    const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
    this.#cards.delete(card.fileId);
    card.element.remove();
    if (had) (next?.querySelector(".head") ?? document.getElementById("files")).focus();
    this.#onRemoved();
  }

  /** Another key may be another owner's. `stays` says which cards do. */
  clear(stays = () => false) {
    for (const card of this.#cards.values()) if (!stays(card)) this.remove(card);
    this.#nextCursor = undefined;
  }

  /** Says of files that are not sent whether they can go on in this browser. */
  showResumable() {
    for (const [fileId, card] of this.#cards) card.showResumable(this.owner !== null && kept.has(this.owner, fileId));
  }

  /** Adds the next page below. */
  async load() {
    const { key } = this.#api;
    const page = await this.#api.listFiles(PAGE_SIZE, this.#nextCursor);
    if (key !== this.#api.key) return;
    this.#nextCursor = page.next_cursor;
    for (const file of page.items.filter((file) => !this.#cards.has(file.file_id))) {
      const card = this.#newCard();
      this.bind(card, file.file_id);
      card.showFile(file);
      this.#element.append(card.element);
      this.#onceSeen.observe(card.element);
    }
    this.showResumable();
  }

  /** Asks for the file, less and less often, while it can change. Rests while nobody looks. */
  async follow(card) {
    if (this.#following.has(card)) return;
    this.#following.add(card);
    const { key } = this.#api;
    try {
      for (let wait = FIRST_WAIT_MS; key === this.#api.key; wait = Math.min(wait * 1.5, LAST_WAIT_MS)) {
        await untilVisible();
        await this.#ask(card);
        if (card.isFinal) break;
        await pause(wait);
      }
    } catch (error) {
      if (error.code !== "unauthenticated") card.showError(errorWords(error));
    } finally {
      this.#following.delete(card);
    }
  }

  async #ask(card) {
    const before = card.statusWords;
    try {
      card.showFile(await this.#api.getFile(card.fileId));
      card.showError("");
    } catch (error) {
      if (error instanceof Problem && error.status < 500) throw error;
      card.showError(errorWords(error));
    }
    if (card.isOpen && card.statusWords !== before) this.#announce(`${card.name}: ${card.statusWords}`);
  }

  #newCard() {
    const card = new Card();
    card.on(".head", () => {
      card.toggle(!card.isOpen);
      if (card.isOpen && card.file && !card.sending) this.follow(card);
    });
    card.on(".again", () => card.onAgain());
    for (const cancel of [".cancel", ".give-up"]) card.on(cancel, () => this.#onCancel(card));
    card.on(".delete", () => this.#delete(card));
    card.on(".copy", () => this.#copy(card));
    return card;
  }

  /** The second press deletes; a while after the first, or elsewhere, it is the first again. */
  async #delete(card) {
    if (!card.isSureToDelete()) return;
    try {
      await this.#api.deleteFile(card.fileId);
      this.#announce(`${card.name}: deleted`);
      this.remove(card);
    } catch (error) {
      card.showError(errorWords(error));
    }
  }

  async #copy(card) {
    const copied = await copyText(card.address);
    card.showCopied(copied);
    this.#announce(copied ? "Address copied" : "The address could not be copied");
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      this.#onceSeen.unobserve(target);
      const card = this.#cards.get(target.dataset.fileId);
      if (card && !["PENDING", "REJECTED"].includes(card.file.status)) this.follow(card);
    }
  }
}

function untilVisible() {
  if (!document.hidden) return Promise.resolve();
  const changed = new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  return changed.then(untilVisible);
}
