// How a file looks. Names and messages come from strangers: they enter the page as text, never as markup.

import { element, fill, fillFacts, setText } from "./elements.js";
import { paint } from "./placeholder.js";
import { showVariants } from "./variants.js";
import { bytes, formatWords, pageWords, printable, soundWords, spaced } from "./words.js";

/** The route of every file; the service tells only of the steps that were reached. */
const ROUTE = new Map([
  ["assemble", "Put the file together"],
  ["scan", "Scan for malware"],
  ["probe", "Check type and limits"],
  ["promote", "Keep the original"],
  ["render", "Make the variants"],
  ["render_office", "Make the variants"],
  ["publish", "Check and publish"],
]);

const STATUS_WORDS = {
  PENDING: "Not sent yet",
  ASSEMBLING: "Checking",
  VALIDATED: "Checked",
  PROCESSING: "Processing",
  READY: "Ready",
  REJECTED: "Rejected",
};

/** Runs that do not go on by themselves. */
const STUCK = {
  dead: "Processing has stopped and does not go on by itself: an operator has to look. Your file is kept.",
  cancelled: "Processing was cancelled by an operator.",
};

const STUCK_WORDS = { dead: "Needs an operator", cancelled: "Cancelled" };

/** What is to be known of files that were taken. */
const WARNING_WORDS = {
  content_type_differs: "Another format than declared",
  truncated: "Ends before it should",
  first_frame_only: "Of an animation, the first frame is shown",
  pages_left_out: "Some pages could not be drawn",
};

/** How long "Delete for good?" waits for an answer. */
const SURE_MS = 5000;

/** Whether this service deletes files. */
const CAN_DELETE = document.documentElement.dataset.canDelete === "true";

const dateTime = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

let cards = 0;

/** One file in the list. */
export class Card {
  element = document.getElementById("card-template").content.firstElementChild.cloneNode(true);
  /** The file's id, once the service knows it. */
  fileId;
  /** What the service said last, if it said anything. */
  file = null;
  /** Whether its bytes are on their way from this page. */
  sending = false;
  /** What "Try again" does. */
  onAgain = () => {};
  #total = 0;
  #resumable = false;
  #sure = null;

  constructor() {
    const body = this.#find(".body");
    body.id = `card-${(cards += 1)}`;
    this.#find(".head").setAttribute("aria-controls", body.id);
  }

  get isOpen() {
    return !this.#find(".body").hidden;
  }

  /** Whether nothing is to be waited for. A file that somebody else is sending may stay PENDING for a day. */
  get isFinal() {
    if (this.file?.final === true) return true;
    return ["READY", "REJECTED", "PENDING"].includes(this.file?.status) || this.file?.run?.state in STUCK;
  }

  get name() {
    return this.#find(".name").textContent;
  }

  get statusWords() {
    return this.#find(".status").textContent;
  }

  on(selector, action) {
    this.#find(selector).addEventListener("click", action);
  }

  toggle(open) {
    this.#find(".body").hidden = !open;
    this.#find(".head").setAttribute("aria-expanded", String(open));
  }

  /** A file of this device, before the service knows it. */
  showLocal({ name, type, size }) {
    this.#find(".name").textContent = printable(name);
    this.#find(".meta").textContent = [formatWords(type), bytes(size)].filter(Boolean).join(" · ");
    this.#total = size;
  }

  showQueued() {
    this.showSent(0, this.#total);
    this.#setStatus("PENDING", "Queued");
  }

  showSent(sent, total) {
    this.sending = true;
    this.#find(".sending").hidden = false;
    this.#find(".again").hidden = true;
    this.#find(".give-up").hidden = true;
    this.#find(".cancel").textContent = "Cancel";
    const share = total > 0 ? sent / total : 0;
    this.#find("progress").value = share;
    this.#find(".sent").textContent = `${bytes(sent)} of ${bytes(total)} · ${Math.floor(100 * share)} %`;
    this.#setStatus("PENDING", sent < total ? "Uploading" : "Completing");
  }

  /** `next` is `again` if somebody may try again, or `never`. */
  showStopped(words, next) {
    this.sending = false;
    this.#find(".sending").hidden = false;
    this.#find(".again").hidden = next !== "again";
    this.#find(".cancel").textContent = next === "never" ? "Remove" : "Cancel";
    this.#setStatus("PENDING", "Upload stopped", "bad");
    this.showError(words);
  }

  /** It goes on by itself. */
  showWaiting(words) {
    this.#setStatus("PENDING", words);
    this.showError("");
  }

  /** Whether the file's bytes can go on from this browser, once it is chosen again. */
  showResumable(resumable) {
    this.#resumable = resumable;
    if (this.file) this.#showNote(this.file, this.file.run);
  }

  hideSending() {
    this.sending = false;
    this.#find(".sending").hidden = true;
  }

  showError(words) {
    setText(this.#find(".error"), words);
  }

  /** What the service says. The list tells less than the file itself: what it leaves out stays as it was. */
  showFile(news) {
    const file = (this.file = { ...this.file, ...news });
    const { run, rejection, audio, document: pages, variants = [] } = file;
    this.element.dataset.fileId = file.file_id;
    this.#find(".name").textContent = printable(file.filename);
    const type = formatWords(file.content_type ?? file.declared_content_type);
    const size = bytes(file.size_bytes ?? file.declared_size_bytes);
    this.#find(".meta").textContent = [type, size, dateTime.format(new Date(file.created_at))].join(" · ");
    if (!this.sending) this.#showStatus(file, run);
    this.#showNote(file, run);
    if (run) this.#showSteps(run);
    this.#find(".delete").hidden = !CAN_DELETE || !this.isFinal || file.status === "PENDING";
    if (rejection && rejection.code !== "upload_aborted") this.#showRejection(rejection);
    this.#showPlaceholder(file);
    if (variants.length > 0) {
      showVariants((selector) => this.#find(selector), file, soundWords(audio) || pageWords(pages));
    }
    this.#showFacts(file);
  }

  /** Where its main variant is served. */
  get address() {
    return this.#find(".full").href;
  }

  /** Asks once, by its words. */
  isSureToDelete() {
    const button = this.#find(".delete");
    const sure = this.#sure !== null;
    clearTimeout(this.#sure);
    this.#sure = sure ? null : setTimeout(() => {
      this.#sure = null;
      button.textContent = "Delete";
    }, SURE_MS);
    button.textContent = sure ? "Delete" : "Delete for good?";
    return sure;
  }

  showCopied(copied) {
    this.#find(".copy").textContent = copied ? "Copied" : "Cannot copy: open it, and copy there";
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }

  #showStatus({ status, rejection, progress }, run) {
    // Beside the words and not of them: those are read out when they change.
    const pill = this.#find(".status");
    const known = progress > 0 && status !== "READY" && run?.state === "running";
    if (known) pill.dataset.percent = progress;
    else delete pill.dataset.percent;
    const stuck = STUCK_WORDS[run?.state];
    const given = rejection?.code === "upload_aborted" ? "Cancelled" : undefined;
    const tone = given ? "" : stuck || status === "REJECTED" ? "bad" : status === "READY" ? "good" : "";
    this.#setStatus(status, given ?? stuck ?? STATUS_WORDS[status] ?? status, tone);
  }

  #setStatus(status, words, tone = "") {
    this.element.dataset.status = status;
    const pill = this.#find(".status");
    pill.dataset.tone = tone;
    // Unchanged text is left alone, for those who are being read to.
    if (pill.textContent !== words) pill.textContent = words;
  }

  #showNote({ status }, run) {
    const unsent = this.#resumable
      ? "Not all of it has arrived. Choose the same file again, and it goes on where it stopped."
      : "Its bytes are still being sent from elsewhere, or never were. It is given up when its time is over.";
    this.#find(".give-up").hidden = status !== "PENDING" || this.sending;
    const note = STUCK[run?.state] ?? (status === "PENDING" && !this.sending ? unsent : "");
    this.element.dataset.run = run?.state ?? "";
    setText(this.#find(".note"), note);
  }

  #showSteps(run) {
    this.#find(".route").hidden = false;
    const over = ["rejected", "cancelled"].includes(run.state);
    const reached = new Set(run.steps.map((step) => step.name));
    // Office documents go another way to their variants.
    const aside = reached.has("render_office") ? "render" : "render_office";
    const ahead = [...ROUTE.keys()].filter((name) => !reached.has(name) && name !== aside);
    const unreached = ahead.map((name) => ({ name, state: over ? "skipped" : "waiting", done: 0, total: 0 }));
    fill(this.#find(".steps"), [...run.steps, ...unreached], stepRow);
  }

  #showRejection({ code, message, limit, measured, step }) {
    this.#find(".rejection").hidden = false;
    this.#find(".message").textContent = message;
    const facts = [["Reason", code], ["Allowed", spaced(limit)], ["Found", spaced(measured)], ["Refused at", step]];
    const list = this.#find(".rejection .facts");
    fillFacts(list, facts);
    list.querySelector("dd").dataset.testid = "rejection-code";
  }

  /** The list has no variants, but it has this. */
  #showPlaceholder({ placeholder }) {
    const thumb = this.#find(".thumb");
    if (thumb.childElementCount === 0) paint(thumb, placeholder, "cover");
  }

  #showFacts(file) {
    fillFacts(this.#find(".about-file"), [
      ["Name", printable(file.filename)],
      ["Warnings", file.warnings?.map((code) => WARNING_WORDS[code] ?? code).join(" · ")],
      ["SHA-256", file.sha256],
      ["File", file.file_id],
      ["Run", file.run?.run_id],
    ]);
  }
}

/** Any error in words for people. */
export function errorWords(error) {
  if (error.name !== "Problem") {
    if (error.name === "NotReadableError" || error.name === "NotFoundError") {
      return "The file cannot be read any more: it was changed, moved or deleted. Choose it again.";
    }
    return error instanceof TypeError ? "The service cannot be reached. Is the network up?" : error.message;
  }
  const { title, message, limit, measured, status, requestId } = error;
  const limits = limit && measured ? ` Allowed: ${spaced(limit)}. Found: ${spaced(measured)}.` : "";
  const request = status >= 500 && requestId ? ` (request ${requestId})` : "";
  if (limits && title) return `${title}.${limits}${request}`;
  return `${title ? `${title}: ` : ""}${message}.${limits}${request}`;
}

/** Whether the text is in the clipboard now. Pages without TLS have no clipboard. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function stepRow({ name, state, done, total, attempts = 0, last_error: lastError }) {
  const row = element("li", "step");
  Object.assign(row.dataset, { testid: "step", name, state });
  const counted = total > 1 ? `${done} of ${total}` : "";
  const tries = state === "retrying" ? `after ${attempts} ${attempts === 1 ? "try" : "tries"}` : "";
  const words = { skipped: "not reached", rejected: "refused", dead: "stopped" }[state] ?? state;
  row.append(
    element("span", "step-name", ROUTE.get(name) ?? name),
    element("span", "step-state", [words, tries, counted].filter(Boolean).join(" · ")),
  );
  if (lastError) row.append(element("p", "step-error", lastError));
  return row;
}
