// The page at `/`: takes a key and files, sends them, and shows what becomes of them.

import { Api } from "./api.js";
import { FileList } from "./list.js";
import { Upload } from "./upload.js";
import { errorWords, setText } from "./view.js";

const KEY = "mediamill.key";
const FILES_AT_ONCE = 2;
/** With more files than this at once, their cards stay closed. */
const OPEN_AT_ONCE = 3;

const byId = (id) => document.getElementById(id);
const api = new Api(onUnauthenticated);
const list = new FileList(api, byId("cards"), announce);
/** Cards whose bytes are not all sent, and those of them whose turn has not come. */
const unsent = new Set();
const queue = [];
let sending = 0;

// ---- the key

/** A key in the address is taken out of it at once: addresses are copied, kept and logged. */
function keyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return false;
  history.replaceState(null, "", location.pathname + location.search);
  useKey(key);
  return true;
}

function useKey(text) {
  const key = text.trim();
  // Anything else could not be sent in a header.
  if (!/^[\x21-\x7e]+$/.test(key)) return askForKey("This is not an API key.");
  keepKey(key);
  setText(byId("error"), "");
  showDesk(true);
  list.clear(unsent);
  loadFiles();
}

function askForKey(words) {
  keepKey(null);
  setText(byId("error"), words);
  showDesk(false);
  byId("key").value = "";
  byId("key").focus();
}

/** Many requests may hear of it; once is enough, and a newer key is not to blame. */
function onUnauthenticated(key) {
  if (key === api.key) askForKey("This API key is unknown or revoked. Please use another.");
}

function keepKey(key) {
  api.key = key;
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Storage is blocked: the key lives as long as the page.
  }
}

function keptKey() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function forgetKey() {
  for (const card of unsent) drop(card);
  list.clear(unsent);
  askForKey("");
}

function showDesk(shown) {
  byId("key-form").hidden = shown;
  byId("desk").hidden = !shown;
  byId("forget").hidden = !shown;
}

// ---- the list

async function loadFiles() {
  byId("more").disabled = true;
  try {
    await list.load();
    setText(byId("error"), "");
  } catch (error) {
    if (error.code !== "unauthenticated") setText(byId("error"), errorWords(error));
  } finally {
    byId("more").disabled = false;
    byId("more").hidden = !list.hasMore;
    showEmpty();
  }
}

function showEmpty() {
  byId("empty").hidden = !list.isEmpty || !byId("error").hidden;
}

// ---- uploads

function addFiles(files) {
  setText(byId("error"), "");
  for (const file of files) addFile(file, files.length <= OPEN_AT_ONCE);
  showEmpty();
}

function addFile(file, open) {
  const card = list.prepend();
  card.upload = new Upload(api, file);
  card.upload.onOpen = (fileId) => list.bind(card, fileId);
  card.upload.onProgress = progress(card, file.size);
  card.showLocal(file);
  card.toggle(open);
  card.on(".again", () => enqueue(card));
  card.on(".cancel", () => cancel(card));
  unsent.add(card);
  enqueue(card);
}

/** Every step is seen, every quarter is said. */
function progress(card, size) {
  let quarters = 0;
  return (bytes) => {
    card.showSent(bytes, size);
    const reached = Math.floor((4 * bytes) / size);
    if (reached > quarters) announce(`${card.name}: ${25 * reached} % sent`);
    quarters = reached;
  };
}

function enqueue(card) {
  card.showError("");
  card.showQueued();
  card.stop = new AbortController();
  queue.push(card);
  sendNext();
}

function sendNext() {
  while (sending < FILES_AT_ONCE && queue.length > 0) {
    sending += 1;
    send(queue.shift()).finally(() => {
      sending -= 1;
      sendNext();
    });
  }
}

async function send(card) {
  const { signal } = card.stop;
  if (signal.aborted) return;
  try {
    await card.upload.send(signal);
    if (!signal.aborted) taken(card);
  } catch (error) {
    if (!signal.aborted) card.showStopped(errorWords(error));
  }
}

/** From here on the service has the file. */
function taken(card) {
  unsent.delete(card);
  card.hideSending();
  list.follow(card);
}

async function cancel(card) {
  card.stop.abort();
  try {
    await card.upload.abort();
  } catch (error) {
    if (error.code === "not_found") return drop(card);
    // Otherwise it is too late to cancel: the service has the file.
    if (error.code !== "upload_completed") return card.showStopped(errorWords(error));
  }
  if (card.fileId) taken(card);
  else drop(card);
}

function drop(card) {
  card.stop.abort();
  unsent.delete(card);
  list.remove(card);
  showEmpty();
}

// ---- events

function announce(words) {
  byId("announcer").textContent = words;
}

/** Folders look like files in a drop, but cannot be read. */
function addDropped({ items }) {
  const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory;
  const dropped = [...items].filter((item) => item.kind === "file");
  const files = dropped.filter((item) => !isFolder(item)).map((item) => item.getAsFile());
  addFiles(files);
  if (files.length < dropped.length) {
    setText(byId("error"), "Folders cannot be uploaded: open the folder and choose its files.");
  }
}

function onDrag(event) {
  if (!api.key || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  const left = event.type === "drop" || (event.type === "dragleave" && event.relatedTarget === null);
  byId("drop").classList.toggle("over", !left);
  if (event.type === "drop") addDropped(event.dataTransfer);
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key").value);
});
byId("forget").addEventListener("click", forgetKey);
byId("more").addEventListener("click", loadFiles);
byId("files").addEventListener("change", ({ target }) => {
  addFiles([...target.files]);
  // So that the same file can be chosen again.
  target.value = "";
});
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) addEventListener(type, onDrag);
addEventListener("hashchange", keyFromAddress);
addEventListener("beforeunload", (event) => {
  if (sending > 0) event.preventDefault();
});

if (!keyFromAddress()) {
  const kept = keptKey();
  if (kept) useKey(kept);
  else askForKey("");
}
