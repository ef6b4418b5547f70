// The page at `/`: takes a key and files, sends them, and shows what becomes of them.

import { Api } from "./api.js";
import * as keys from "./key.js";
import * as kept from "./kept.js";
import { FileList } from "./list.js";
import { Sender } from "./sender.js";
import { setText } from "./elements.js";
import { errorWords } from "./view.js";

/** With more files than this at once, their cards stay closed. */
const OPEN_AT_ONCE = 3;

const byId = (id) => document.getElementById(id);
const api = new Api(onUnauthenticated);
const list = new FileList(api, byId("cards"), { announce, onRemoved: showEmpty, onCancel: cancelFile });
const sender = new Sender(api, list, { announce, onChanged: showOverall });
/** Whose files are shown. */
let owner = null;

// ---- the key

/** Uses a key from a link; asks first if that would replace another. */
async function useLink() {
  const key = keys.fromAddress()?.trim();
  if (!key) return false;
  if (!api.key || key === api.key) {
    useKey(key);
    return true;
  }
  const [mine, theirs] = await Promise.all([owner ?? ownerOf(api.key), ownerOf(key)]);
  if (theirs === null) {
    setText(byId("error"), "The link's API key is unknown or revoked. Yours is still in use.");
  } else if (await keys.askToReplace(mine ?? "unknown", theirs)) {
    leave();
    useKey(key);
  }
  return true;
}

/** Whose key it is; nothing if it is refused. */
async function ownerOf(key) {
  if (!keys.isPlausible(key)) return null;
  const asked = new Api(() => {});
  asked.key = key;
  try {
    return (await asked.account()).owner;
  } catch (error) {
    return error.status === 401 ? null : "unknown";
  }
}

async function useKey(text) {
  const key = text.trim();
  // Anything else could not be sent in a header.
  if (!keys.isPlausible(key)) return askForKey("This is not an API key.");
  keepKey(key);
  setText(byId("error"), "");
  showDesk(true);
  list.clear((card) => sender.has(card));
  await Promise.all([showAccount(key), loadFiles()]);
}

async function showAccount(key) {
  owner = null;
  keys.showOwner("");
  try {
    const account = await api.account();
    if (key !== api.key) return;
    // What is being sent belongs to the owner who began it.
    if (sender.owner !== null && sender.owner !== account.owner) sender.dropAll();
    owner = list.owner = sender.owner = account.owner;
    keys.showOwner(owner);
    list.showResumable();
  } catch (error) {
    if (error.code !== "unauthenticated" && key === api.key) keys.showOwner("unknown");
  }
}

function askForKey(words) {
  keepKey(null);
  owner = list.owner = null;
  keys.showOwner("");
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
  keys.keep(key);
}

function leave() {
  sender.dropAll();
  sender.owner = null;
  list.clear();
}

function forgetKey() {
  if (owner) kept.forgetAll(owner);
  leave();
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

/** All that this page sends, together. */
function showOverall({ files, done, bytes, sent, waiting }) {
  byId("overall").hidden = files < 2;
  if (files < 2) return;
  byId("overall-progress").value = bytes > 0 ? sent / bytes : 0;
  const words = `${done} of ${files} files sent · ${Math.floor((100 * sent) / Math.max(bytes, 1))} %`;
  byId("overall-words").textContent = waiting > 0 ? `${words} · waiting for the network` : words;
}

// ---- files

function addFiles(files) {
  setText(byId("error"), "");
  const open = files.length <= OPEN_AT_ONCE;
  // The first goes on top, and is sent first.
  const cards = files.toReversed().map((file) => sender.prepare(file, open)).toReversed();
  for (const card of cards) sender.enqueue(card);
  showEmpty();
}

/** An upload that this page does not send: given up by its id. */
async function cancelFile(card) {
  if (sender.has(card)) return sender.cancel(card);
  try {
    await api.abort(card.file.upload_id);
    kept.forget(card.fileId);
    list.remove(card);
    announce(`${card.name}: cancelled`);
  } catch (error) {
    if (error.code === "upload_completed") list.follow(card);
    else card.showError(errorWords(error));
  }
}

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
byId("cancel-all").addEventListener("click", () => {
  sender.cancelAll();
  byId("files").focus();
});
byId("files").addEventListener("change", ({ target }) => {
  addFiles([...target.files]);
  // So that the same file can be chosen again.
  target.value = "";
});
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) addEventListener(type, onDrag);
addEventListener("hashchange", useLink);
addEventListener("online", () => sender.goOn());
addEventListener("beforeunload", (event) => {
  if (sender.isBusy) event.preventDefault();
});

async function start() {
  const key = keys.kept();
  if (key) useKey(key);
  if (!(await useLink()) && !key) askForKey("");
}

start();
