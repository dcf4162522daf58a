// What the reader's pages do beyond being read: nothing essential needs it.
const root = document.documentElement;
const main = document.querySelector("main");
const box = document.querySelector(".search input");
const words = {
  ko: {
    copy: "링크 복사", copied: "복사했어요", failed: "복사하지 못했어요", code: "코드 복사",
    found: (n) => `섹션 ${n}개`, nothing: "노트에서 찾지 못했어요.", all: (n) => `결과 ${n}개 모두 보기`,
    list: "검색 결과",
  },
  en: {
    copy: "Copy link", copied: "Copied", failed: "Could not copy", code: "Copy code",
    found: (n) => (n === 1 ? "1 section" : `${n} sections`), nothing: "Nothing was found in the notes.",
    all: (n) => `See all ${n} results`, list: "Results",
  },
}[root.lang];

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

root.classList.add("scripted");
const status = element("p", { class: "heard", role: "status" });
document.body.append(status);

// --- Copying

const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers have a clipboard on safe origins alone.
    const area = element("textarea", { class: "heard", "aria-hidden": "true", tabindex: "-1" });
    const focused = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus({ preventScroll: true });
    return done;
  }
};

const copier = (label, about, text) => {
  const button = element("button", { type: "button", class: "copy", "aria-label": label + about }, label);
  button.addEventListener("click", async () => {
    const said = (await copy(text())) ? words.copied : words.failed;
    button.textContent = status.textContent = said;
    clearTimeout(button.timer);
    button.timer = setTimeout(() => {
      button.textContent = label;
      status.textContent = "";
    }, 2000);
  });
  return button;
};

for (const anchor of document.querySelectorAll(".tools > .anchor")) {
  const about = `: ${anchor.dataset.title}`;
  anchor.replaceWith(copier(words.copy, about, () => new URL(anchor.hash, location.href).href));
}
for (const code of main.querySelectorAll("pre")) {
  const frame = element("div", { class: "code" });
  code.replaceWith(frame);
  frame.append(code, copier(words.code, "", () => code.textContent));
  frame.lastChild.lang = root.lang;
}

// --- The contents follow the scroll

const links = [...document.querySelectorAll(".side a, .drawer a")];
const headings = links
  .map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))))
  .filter((heading, at, all) => heading && all.indexOf(heading) === at);

const follow = () => {
  const line = innerHeight * 0.35;
  const end = root.scrollHeight - innerHeight;
  const above = headings.filter((each) => each.getBoundingClientRect().top <= line);
  let current = above.at(-1) ?? headings[0];
  // The last sections may be too short to reach the line.
  if (end > 0 && scrollY >= end - 2) {
    const named = headings.find((each) => `#${each.id}` === decodeURIComponent(location.hash));
    const seen = named?.getBoundingClientRect().top >= 0 && named.getBoundingClientRect().top < innerHeight;
    current = seen ? named : headings.at(-1);
  }
  for (const link of links) {
    if (current && decodeURIComponent(link.hash.slice(1)) === current.id) {
      link.setAttribute("aria-current", "location");
      const side = link.closest(".side");
      if (!side) continue;
      const { top, bottom } = link.getBoundingClientRect();
      const frame = side.getBoundingClientRect();
      if (top < frame.top) side.scrollTop -= frame.top - top;
      if (bottom > frame.bottom) side.scrollTop += bottom - frame.bottom;
    } else {
      link.removeAttribute("aria-current");
    }
  }
};

if (headings.length) {
  const observer = new IntersectionObserver(follow, { rootMargin: "0px 0px -65% 0px" });
  const ends = new IntersectionObserver(follow, { rootMargin: "0px 0px 2px 0px" });
  const end = element("div", { "aria-hidden": "true" });
  main.append(end);
  headings.forEach((heading) => observer.observe(heading));
  ends.observe(end);
  addEventListener("hashchange", () => setTimeout(follow, 50));
}

const drawer = document.querySelector(".drawer");
if (drawer) {
  addEventListener("click", (event) => {
    if (!drawer.contains(event.target) || event.target.closest("a")) drawer.open = false;
  });
  drawer.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    drawer.open = false;
    drawer.firstElementChild.focus();
  });
}

// --- The words that a link is about

const BLOCKS = "p, li, td, th, pre, blockquote, dt, dd, summary, h1, h2, h3, h4, h5, h6, div";

// The text of the page with white space as one space, and where each of its characters stands.
const readText = () => {
  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.closest(".tools, .copy") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  const places = [];
  let text = "";
  let block = null;
  const space = (node, at) => {
    if (text.endsWith(" ")) return;
    text += " ";
    places.push([node, at]);
  };
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const around = node.parentElement.closest(BLOCKS);
    if (around !== block) space(node, 0);
    block = around;
    for (let at = 0; at < node.data.length; at += 1) {
      if (/\s/.test(node.data[at])) {
        space(node, at);
      } else {
        // A lower case of another length would move what follows it.
        const lower = node.data[at].toLowerCase();
        text += lower.length === 1 ? lower : node.data[at];
        places.push([node, at]);
      }
    }
  }
  return { text, places };
};

const decoded = (part) => {
  try {
    return decodeURIComponent(part).replace(/\s+/g, " ").trim().toLowerCase();
  } catch {
    return "";
  }
};

// Where `text=[prefix-,]start[,end][,-suffix]` stands, from a heading on: [first, after].
const span = (directive, { text, places }, heading) => {
  const parts = directive.slice("text=".length).split(",");
  const prefix = parts[0].endsWith("-") ? decoded(parts.shift().slice(0, -1)) : "";
  const suffix = parts.at(-1)?.startsWith("-") ? decoded(parts.pop().slice(1)) : "";
  const [start, end] = parts.map(decoded);
  if (!start) return null;
  const below = (at) => heading.compareDocumentPosition(places[at][0]) & Node.DOCUMENT_POSITION_FOLLOWING;
  const from = heading ? Math.max(0, places.findIndex((_, at) => below(at))) : 0;
  const fits = (low, high) =>
    (!prefix || text.slice(0, low).trimEnd().endsWith(prefix)) &&
    (!suffix || text.slice(high).trimStart().startsWith(suffix));
  for (const first of from ? [from, 0] : [0]) {
    for (let low = text.indexOf(start, first); low >= 0; low = text.indexOf(start, low + 1)) {
      const last = end ? text.indexOf(end, low + start.length) : low;
      const high = last + (end ?? start).length;
      if (last >= 0 && fits(low, high)) return [low, high];
    }
  }
  return null;
};

const mark = ([low, high], places) => {
  const pieces = new Map();
  for (const [node, at] of places.slice(low, high)) {
    const [first] = pieces.get(node) ?? [at];
    pieces.set(node, [first, at + 1]);
  }
  for (const [node, [first, after]] of pieces) {
    const range = new Range();
    range.setStart(node, first);
    range.setEnd(node, after);
    if (range.toString().trim()) range.surroundContents(element("mark", { class: "sought" }));
  }
};

const clear = () => {
  // What the browser marked by itself, it does not let go of everywhere.
  root.classList.add("unmarked");
  for (const marked of document.querySelectorAll(".sought")) {
    const parent = marked.parentNode;
    marked.replaceWith(...marked.childNodes);
    parent.normalize();
  }
};

// A browser that knows text fragments keeps them from the page, and marks the words itself. Others
// leave them in the address, or drop them and mark nothing.
const asked = () => {
  const [hash, directives] = location.hash.split(":~:");
  if (directives !== undefined || "fragmentDirective" in document) return [hash, directives];
  return [hash, performance.getEntriesByType("navigation")[0]?.name.split(":~:")[1]];
};

const seek = ([hash, directives]) => {
  root.classList.remove("unmarked");
  if (directives === undefined) return;
  const place = decodeURIComponent(hash.slice(1));
  const heading = place ? document.getElementById(place) : null;
  history.replaceState(history.state, "", location.pathname + location.search + hash);
  for (const directive of directives.split("&")) {
    if (!directive.startsWith("text=")) continue;
    const read = readText();
    const found = span(directive, read, heading);
    if (found) mark(found, read.places);
  }
  const first = document.querySelector(".sought");
  if (first) first.scrollIntoView({ block: "center" });
  else heading?.scrollIntoView();
};

addEventListener("hashchange", () => {
  clear();
  seek(location.hash.split(":~:"));
});
addEventListener("click", clear);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") clear();
});
seek(asked());

// --- Search while typing

const form = box.form;
const apart = new Set(JSON.parse(form.dataset.apart));
const list = element("div", { role: "listbox", id: "page.results", "aria-label": words.list });
const none = element("p", { hidden: "" }, words.nothing);
const popup = element("div", { class: "suggest", hidden: "" }, list, none);
form.append(popup);
const roles = {
  role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list",
};
for (const [name, value] of Object.entries(roles)) box.setAttribute(name, value);
let chosen = -1;
let waiting = 0;
let request = null;

const choose = (number) => {
  list.children[chosen]?.setAttribute("aria-selected", "false");
  chosen = number;
  const option = list.children[chosen];
  if (!option) return box.removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  return box.setAttribute("aria-activedescendant", option.id);
};

const close = () => {
  clearTimeout(waiting);
  request?.abort();
  choose(-1);
  popup.hidden = true;
  box.setAttribute("aria-expanded", "false");
};

// Only its words and which of them are marked, whatever it holds.
const excerpt = (html) => {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  return [...body.childNodes].map((node) =>
    node.nodeName === "MARK" ? element("mark", {}, node.textContent) : node.textContent);
};

const address = ({ document: { id, corpus }, section, highlight_url: url }) => {
  const path = apart.has(`${corpus}/${id}`) ? `_in/${corpus}/${id}` : id;
  const [, directive] = url.split(":~:");
  const anchor = section.anchor || directive ? `#${section.anchor}` : "";
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return `${root.dataset.root}/notes/${encoded}${anchor}${directive ? `:~:${directive}` : ""}`;
};

const option = (number, href, ...children) =>
  element("a", { role: "option", id: `page.result.${number}`, tabindex: "-1", "aria-selected": "false", href }, ...children);

const show = ({ hits, total, facets }) => {
  choose(-1);
  const several = facets.length > 1;
  const options = hits.map((hit, number) => {
    const path = several ? hit.section.path : hit.section.path.slice(1);
    const title = element("strong", { lang: hit.document.language }, path.join(" › ") || hit.section.title);
    const text = element("span", { lang: hit.document.language }, ...excerpt(hit.snippet));
    return option(number, address(hit), title, text);
  });
  if (total > hits.length) {
    const every = new URL(form.action);
    every.searchParams.set("q", box.value);
    options.push(option(hits.length, every.href, words.all(total)));
  }
  list.replaceChildren(...options);
  list.hidden = !total;
  none.hidden = Boolean(total);
  popup.hidden = false;
  box.setAttribute("aria-expanded", String(Boolean(total)));
  status.textContent = total ? words.found(total) : words.nothing;
};

const search = async () => {
  request?.abort();
  request = new AbortController();
  const { signal } = request;
  const query = new URLSearchParams({ q: box.value, limit: "6" });
  try {
    const response = await fetch(`${root.dataset.root}/api/v1/search?${query}`, { signal });
    if (!response.ok) throw new Error(response.statusText);
    const found = await response.json();
    if (!signal.aborted && document.activeElement === box) show(found);
  } catch {
    // The results page says what is wrong, to whoever goes there.
    if (!signal.aborted) close();
  }
};

box.addEventListener("input", () => {
  clearTimeout(waiting);
  if (box.value.trim()) waiting = setTimeout(search, 120);
  else close();
});

box.addEventListener("keydown", (event) => {
  // While Hangul is composed, these keys are the input method's.
  if (event.isComposing || event.keyCode === 229) return;
  const last = list.children.length - 1;
  const open = !popup.hidden && !list.hidden;
  if (event.key === "Escape" && !popup.hidden) close();
  else if (event.key === "ArrowDown" && open) choose(chosen < last ? chosen + 1 : -1);
  else if (event.key === "ArrowUp" && open) choose(chosen >= 0 ? chosen - 1 : last);
  else if (event.key === "ArrowDown" && box.value.trim()) search();
  else if (event.key === "Enter" && open && chosen >= 0) list.children[chosen].click();
  else return;
  event.preventDefault();
});

box.addEventListener("focus", () => {
  if (box.value.trim() && list.children.length) popup.hidden = false;
  box.setAttribute("aria-expanded", String(!popup.hidden && !list.hidden));
});
form.addEventListener("submit", (event) => {
  clearTimeout(waiting);
  if (!box.value.trim()) event.preventDefault();
});
form.addEventListener("focusout", (event) => {
  if (!form.contains(event.relatedTarget)) close();
});
// The box keeps the focus, so that the list stays while it is clicked.
popup.addEventListener("mousedown", (event) => event.preventDefault());
list.addEventListener("click", () => {
  close();
  box.blur();
});

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// --- The chat speaks the language that is chosen here

document.querySelector(".switch").addEventListener("click", (event) => {
  try {
    localStorage.setItem("notes-language", event.currentTarget.lang);
  } catch {
    // Where nothing may be kept, the cookie alone remembers it.
  }
  // The place on the page stays.
  event.currentTarget.hash = location.hash;
});
