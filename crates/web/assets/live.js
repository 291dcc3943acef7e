// Live pages, keyboard, copying, uploads. Every page works without this; nothing here knows what a page is about.

const main = document.getElementById("main");
const language = document.documentElement.lang;

// === Live: an event names what changed; the page that cares fetches itself again and takes over the differences. ===

const wanted = new Set((main.dataset.live || "").split(" ").filter(Boolean));
let timer = 0;
let busy = false;
let again = false;

function changed(event) {
  if (event.what !== "lagged" && !wanted.has(event.what)) return;
  if (!timer) timer = setTimeout(refresh, 250);
}

async function refresh() {
  timer = 0;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    if (response.redirected || response.status === 401) {
      location.reload();
      return;
    }
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const next = fresh.getElementById("main");
    if (next) {
      morphChildren(main, next);
      enhance(main);
    }
  } catch {
    // The event stream says when the server is there again.
  } finally {
    busy = false;
    if (again) {
      again = false;
      changed({ what: "lagged" });
    }
  }
}

// Makes `old` like `next` and keeps every node that can stay: focus, selection, open details and typed text survive.
function morph(old, next) {
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName || old.id !== next.id) {
    old.replaceWith(next.cloneNode(true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
    return;
  }
  if (old.hasAttribute("data-keep")) return;
  const mine = old.nodeName === "DETAILS" ? ["open"] : [];
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !mine.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value && !mine.includes(name)) old.setAttribute(name, value);
  }
  // What a person is typing stays as it is, and so does a form token that is already in a form.
  if (["INPUT", "TEXTAREA", "SELECT"].includes(old.nodeName)) return;
  morphChildren(old, next);
}

function morphChildren(old, next) {
  const named = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = old.firstChild;
  for (const wish of [...next.childNodes]) {
    const known = wish.id ? named.get(wish.id) : null;
    if (known && known !== place) old.insertBefore(known, place);
    const here = known || place;
    if (!here || (!known && here.id && here.id !== wish.id)) {
      old.insertBefore(wish.cloneNode(true), place);
      continue;
    }
    place = here.nextSibling;
    morph(here, wish);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

function listen() {
  const lost = document.getElementById("connection");
  const events = new EventSource("/api/v1/events");
  let was_lost = false;
  events.onmessage = (message) => changed(JSON.parse(message.data));
  events.onopen = () => {
    lost.hidden = true;
    if (was_lost) changed({ what: "lagged" });
    was_lost = false;
  };
  events.onerror = () => {
    was_lost = true;
    setTimeout(() => (lost.hidden = !was_lost), 2000);
    // After an answer that is no stream (a proxy, a restart) browsers give up: begin anew.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
  addEventListener("pagehide", () => events.close(), { once: true });
}

// === Times: "3 min ago" grows older by itself. ===

const relative = new Intl.RelativeTimeFormat(language, { style: "short" });
const units = [["year", 63072000, 31536000], ["day", 172800, 86400], ["hour", 3600, 3600], ["minute", 60, 60], ["second", 10, 1]];

function grow_older() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const ago = time.querySelector(".ago");
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const unit = units.find(([, least]) => Math.abs(seconds) >= least);
    if (ago && unit) ago.textContent = relative.format(Math.trunc(seconds / unit[2]), unit[0]);
  }
}

// === Copying ===

function enhance(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden], [data-help][hidden]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    const word = button.querySelector("span");
    const before = word.textContent;
    word.textContent = button.dataset.done;
    setTimeout(() => (word.textContent = before), 1500);
  }
  if (event.target.closest("[data-help]")) help();
});

// === Keyboard ===

let row = null;
let prefix = 0;

function rows() {
  return [...main.querySelectorAll("tbody tr, .timeline li")];
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(row);
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
  row?.classList.remove("current");
  row = all[next];
  row.classList.add("current");
  const link = row.querySelector(".row-link, a[href]");
  (link || row).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function select() {
  const box = row?.querySelector("input[type=checkbox]");
  if (box) box.click();
  row?.classList.toggle("selected", box ? box.checked : undefined);
}

function help() {
  const dialog = document.getElementById("keys");
  if (dialog && !dialog.open) dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && typing) typing.blur();
  if (typing || document.querySelector("dialog[open]")) return;
  const going = Date.now() - prefix < 1500;
  prefix = 0;
  if (going) {
    const link = [...document.querySelectorAll("[data-key]")].find((link) => link.dataset.key === event.key);
    if (link) link.click();
    return;
  }
  const keys = { j: () => move(1), k: () => move(-1), x: select, "?": help, g: () => (prefix = Date.now()) };
  if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    } else {
      location.href = "/hosts#query";
    }
  } else if (Object.hasOwn(keys, event.key)) {
    keys[event.key]();
  }
});

// === Uploads: the same form, with a bar. ===

function upload(form) {
  const bar = form.querySelector("progress");
  const said = form.querySelector("[data-said]");
  const alert = form.querySelector("[role=alert]");
  const fields = new FormData(form);
  const token = fields.get("form_token");
  const request = new XMLHttpRequest();
  const began = Date.now();
  const size = new Intl.NumberFormat(language, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(language, { style: "percent" });
  request.upload.onprogress = ({ loaded, total }) => {
    bar.hidden = false;
    bar.max = total;
    bar.value = loaded;
    const rate = loaded / Math.max(1, Date.now() - began) / 1000;
    said.textContent = `${percent.format(loaded / total)} · ${size.format(loaded / 1e6)} / ${size.format(total / 1e6)} · ${size.format(rate)}/s`;
  };
  const refused = (text) => {
    alert.hidden = false;
    alert.querySelector("span").textContent = text;
    bar.hidden = true;
    said.textContent = "";
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  };
  request.onload = () => {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      // Not from our server: the status has to do.
    }
    if (request.status !== 202) return refused([answer.message || request.statusText, answer.hint].filter(Boolean).join(" · "));
    const [name, version] = answer.name.split("@");
    location.href = `/uploads/${encodeURIComponent(name)}/${encodeURIComponent(version)}`;
  };
  request.onerror = () => refused(document.getElementById("connection").textContent);
  request.open("POST", "/api/v1/uploads");
  request.setRequestHeader("x-form-token", token);
  alert.hidden = true;
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  request.send(fields);
}

document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-upload]")) {
    event.preventDefault();
    upload(event.target);
  }
});

enhance(document);
if (location.hash === "#query") document.querySelector("[data-search]")?.focus();
if (wanted.size) listen();
setInterval(grow_older, 15000);
