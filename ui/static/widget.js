// <notes-assistant endpoint="https://notes.example.com">: questions to the notes, in any page.
// It makes nodes and parses no HTML, so that it works under the strictest policies.
(() => {
// A browser without the latest of what is used here goes on showing what stands inside the element.
if (!URL.parse || customElements.get("notes-assistant")) return;
const SLOW = 300, LIMIT = 35_000;
const WORDS = {
  ko: {
    ask: "노트에 물어보기", send: "보내기", close: "닫기", wait: "찾는 중…",
    more: "앞뒤 내용 더 보기", also: "함께 보기", closest: "가장 가까운 섹션: ",
    searched: "‘{}’로 찾은 결과예요. ", typed: "그대로 찾기",
    foreign: "노트가 영어로 쓰여 있어 그대로 보여 드려요.",
    helped: "도움이 됐나요?", yes: "👍 네", no: "👎 아니요", thanks: "의견 고마워요.",
    away: "서버에 연결할 수 없어요.", busy: "지금은 답할 수 없어요. 잠시 뒤에 물어봐 주세요.",
    again: "다시 시도", left: "{}초 뒤에 다시 시도",
  },
  en: {
    ask: "Ask the notes", send: "Send", close: "Close", wait: "Looking it up…",
    more: "Show all of it", also: "See also", closest: "The closest section: ",
    searched: "Showing results for “{}”. ", typed: "Search as typed",
    foreign: "The notes are in Korean, and quoted as written.",
    helped: "Did this help?", yes: "👍 Yes", no: "👎 No", thanks: "Thank you.",
    away: "The server cannot be reached.", busy: "No answer just now. Ask again in a moment.",
    again: "Try again", left: "Try again in {} s",
  },
};

const STYLE = new CSSStyleSheet();
STYLE.replaceSync("widget.css");

const make = (tag, given, ...inside) => {
  const made = Object.assign(document.createElement(tag), given);
  made.append(...inside.filter((child) => child));
  return made;
};
const button = (text, onclick, more) => make("button", { type: "button", onclick, ...more }, text);
const quiet = (...inside) => make("p", { className: "quiet" }, ...inside);
const said = (text, lang) => make("p", { className: "said", dir: "auto", lang }, text);
const language = (text) => (/[ㄱ-ㆎ가-힣]/.test(text) ? "ko" : "en");
/** Return an address, whole, if it is one of the web. */
const web = (address, base) => URL.parse(address, base)?.href.match(/^https?:.*/)?.[0];
const link = (href, ...inside) =>
  href ? make("a", { href, target: "_blank", rel: "noopener" }, ...inside) : make("span", {}, ...inside);

// Each repetition has an end, and what is longer than any passage is not read, so that no text takes long.
const INLINE = new RegExp([
  /\\(?<char>[!-/:-@[-`{-~])/,
  /(?<ticks>`+)(?!`)(?<code>[^]{0,999}?[^`])\k<ticks>(?!`)/,
  /!?\[\[(?:[^\]|]{0,99}\|)?(?<wiki>[^\]|]{1,99})\]\]/,
  /(?<pic>!?)\[(?<label>(?:\\.|[^\]\\[]|\[[^\][]{0,99}\]){0,999})\]\(\s?<?(?<to>[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)?)[^()]{0,99}\)/,
  /<?(?<bare>https?:\/\/[\w\-.~:/?#@!$&'()*+,;=%]{0,999}[\w/#=&])>?/,
  /<(?<tag>su[bp])>(?<up>[^<]{0,99})<.su.>/,
  /<(?:!--[^]{0,999}?--|\/?[a-z][\w-]*(?:\s[^<>]*|\/)?)>/,
  /\{\{[<%](?: ?\/?[\w-]+ ?[%>]|[^}]{0,199}?\s(?:text|title|caption|name)="(?<short>[^"]{0,199})"[^}]{0,199})\}\}/,
  /(?<two>\*\*|__|~~|(?<!\w)==)(?=\S)(?<bold>[^]{0,999}?\S)\k<two>(?!\*)/,
  /(?<one>\*|(?<![\p{L}\p{N}_])_)(?=[^\s*_])(?<em>[^]{0,999}?[^\s*_])\k<one>(?![\w*])/,
].map((each) => each.source).join("|"), "giu");
const FENCE = /^\s*(```+|~~~+)[^`]*$/, QUOTE = /^\s*> ?(?:\[!\w+\][-+]?)?/, HEADING = /^\s*#{1,6}\s+/, RULE = /^\s*(?:[-*_][-*_ ]{2,}|:::.*)$/;
const ITEM = /^\s*(?:[-*+]|(\d{1,9})[.)])(?:\s|$)/, HEADS = /^[\s|]*:?-+:?\s*\|[\s:|-]*$/;
const starts = (line) => [FENCE, QUOTE, HEADING, RULE, ITEM].some((kind) => kind.test(line));
const indent = (line) => line.search(/\S|$/);
// Private characters say in the text itself where marked words begin and end.
const ON = "\uE000", OFF = "\uE001", EITHER = /([\uE000\uE001])/;
/** Return a line without what frames it. */
const cut = (line, length) => line.slice(0, length).replace(/[^\uE000\uE001]/g, "") + line.slice(length);
const within = (length) => (line) => cut(line, Math.min(indent(line), length));

/** Return a passage's Markdown as nodes, the words that answer marked, or the best of them alone. */
const render = ({ text, highlights, url, references = "" }, base, alone) => {
  // Where links by label lead; footnotes have one that begins with ^.
  const known = {}, key = (label) => label?.replace(/\s+/g, " ").toUpperCase();
  for (const [, label, to] of references.matchAll(/^\[(.+?)\]:\s*<?([^\s>]*)/gm)) known[key(label)] = to;
  // Highlights count characters, strings do not.
  const units = [...text.replace(/[\uE000\uE001]/g, "\uFFFD")];
  for (const { start, end } of alone ? highlights.slice(0, 1) : highlights) {
    units[start] = ON + units[start];
    units[end - 1] += OFF;
  }
  let marked = 0;
  const add = (node, tag, given) => node.appendChild(make(tag, given));
  const put = (node, words) => {
    for (const part of words.split(EITHER)) {
      if (part === ON) marked++;
      else if (part === OFF) marked--;
      else if (marked) add(node, "mark").append(part);
      else if (!alone) node.append(part);
    }
  };
  const inline = (node, words) => {
    let at = 0;
    for (const { index, 0: all, groups } of text.length < 3e4 ? words.matchAll(INLINE) : []) {
      const { char, wiki, short = char ?? wiki, code, pic, label, to, bare, two, bold, em, tag, up } = groups;
      put(node, words.slice(at, index));
      at = index + all.length;
      if (short) put(node, short);
      else if (code) put(add(node, "code"), code);
      else if (bare) put(node.appendChild(link(web(bare))), bare);
      else if (bold) inline(add(node, two === "~~" ? "s" : "strong"), bold);
      else if (em) inline(add(node, "em"), em);
      else if (up) inline(add(node, tag), up);
      else if (label) inline(pic ? node : node.appendChild(link(web(to, web(url, base)))), label);
      else {
        put(make("i"), all);
        if (/^<(br|\/[lpt])/i.test(all)) node.append(make("br"), " ");
      }
    }
    put(node, words.slice(at));
  };
  const cells = (row) =>
    row.replace(/^([\s\uE000]*)\|/, "$1").replace(/\|([\s\uE001]*)$/, "$1").split(/(?<!\\)\|/);
  const table = (node, [head, , ...rows]) => {
    const frame = add(add(node, "div", { className: "table", tabIndex: 0 }), "table");
    const heads = cells(head);
    for (const row of [head, ...rows]) {
      const into = add(frame, "tr");
      cells(row).forEach((cell, column) => {
        const made = add(into, row === head ? "th" : "td", { dir: "auto" });
        if (column && heads[column]) made.dataset.of = heads[column].replace(/[*`\uE000\uE001]/g, "").trim();
        inline(made, cell.trim());
      });
    }
  };
  const code = (node, lines, deep) =>
    put(add(add(node, "pre", { tabIndex: 0, dir: "ltr" }), "code"), lines.map(within(deep)).join("\n"));
  const blocks = (node, lines, depth = 0) => {
    for (let at = 0, to; at < lines.length; at = to) {
      const line = lines[at], deep = indent(line);
      const until = (ends) => {
        for (to = at + 1; to < lines.length && !ends(lines[to]);) to++;
        return lines.slice(at, to);
      };
      to = at + 1;
      if (!line.trim() || RULE.test(line)) continue;
      if (FENCE.test(line)) {
        const [, fence] = FENCE.exec(line);
        code(node, until((each) => each.trim() === fence).slice(1), deep);
        to++;
      } else if (QUOTE.test(line) && depth < 9) {
        const inner = until((each) => !QUOTE.test(each));
        blocks(add(node, "blockquote"), inner.map((each) => each.replace(QUOTE, "")), depth + 1);
      } else if (ITEM.test(line) && depth < 9) {
        const [{ length }, start] = ITEM.exec(line), kind = alone ? "div" : start ? "ol" : "ul";
        const list = node.lastChild?.localName === kind ? node.lastChild : add(node, kind, start && { start });
        const inner = until((each) =>
          each.trim() && indent(each) <= deep && (starts(each) || !lines[to - 1].trim()));
        const [first, ...rest] = inner;
        blocks(add(list, alone ? "div" : "li", { dir: "auto" }), [cut(first, length), ...rest.map(within(length))], depth + 1);
      } else if (line.includes("|") && HEADS.test(lines[to])) {
        table(node, until((each) => !each.includes("|")));
      } else if (deep > 3 && at && !lines[at - 1].trim()) {
        code(node, until((each) => each.trim() && indent(each) < 4), 4);
      } else {
        const tight = node.localName === "li" && !node.firstChild;
        const into = tight ? node : add(node, "p", { dir: "auto" });
        if (HEADING.test(line)) inline(add(into, "strong"), line.replace(HEADING, ""));
        else inline(into, until((each) => !each.trim() || starts(each) || HEADS.test(lines[to + 1])).map((each) => each.trim()).join("\n"));
      }
    }
  };

  const found = make("div");
  blocks(found, units.join("")
    .replace(/(`+)[^]*?\1|(!?\[([^\][]+)\])(?:\[([^\][]*)\])?(?![(:])/g, (all, _, shown, label, by) =>
      (by = known[key(by || label)]) ? label[0] === "^" ? "" : `${shown}(${by})` : all)
    .split(/\r?\n/));
  for (const each of [...found.querySelectorAll(":not(br)")].reverse()) {
    if (!each.textContent.trim()) each.remove();
  }
  return found;
};

/** Fill an element; returns a function that stops the question under way. */
const build = (host) => {
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [STYLE];
  const spoken = /^ko\b/i.test(host.closest("[lang]")?.lang || navigator.language) ? "ko" : "en";
  const say = (name, value) => WORDS[spoken][name].replace("{}", () => value);
  const base = web((host.getAttribute("endpoint") ?? "").replace(/\/*$/, "/"), document.baseURI);
  const panel = host.hasAttribute("floating");
  const label = host.getAttribute("label") || say("ask");
  const asked = [];
  let until = 0, running, foreign;
  const left = () => Math.max(0, Math.ceil((until - Date.now()) / 1000));
  const hear = (text) => { heard.textContent = text; };

  const send = () => {
    const question = field.value.trim();
    if (left()) hear(say("left", left()));
    else if (question && !running) {
      field.value = "";
      ask(question);
    }
  };
  // Else the page's own shortcuts would take what is typed here.
  const keep = (event) => event.stopPropagation();
  const field = make("textarea", {
    rows: 1, maxLength: 2000, dir: "auto", placeholder: `${label}…`, ariaLabel: label,
    enterKeyHint: "send", onkeyup: keep, onkeypress: keep,
    onkeydown: (event) => {
      keep(event);
      // An input method's Enter ends a syllable; some browsers say so by the key's number alone.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      send();
    },
  });
  const go = button("↑", send, { className: "send", ariaLabel: say("send") });
  const heard = make("p", { className: "heard", role: "status" });
  const log = make("div");
  const box = make(panel ? "dialog" : "section", { className: "box", ariaLabel: label, closedBy: "any" },
    panel && make("div", { className: "row" }, make("h2", {}, label),
      button("✕", () => box.close(), { ariaLabel: say("close") })),
    make("div", { className: "row line", role: "search" }, field,
      go),
    heard, log);
  const open = panel && button(label, () => {
    box.showModal();
    field.focus();
  }, { className: "open", ariaHasPopup: "dialog" });
  root.append(make("div", { lang: spoken }, open, box));

  const post = async (path, sent, signal) => {
    const response = await fetch(`${base}api/v1/${path}`, {
      method: "POST", signal, body: JSON.stringify(sent), headers: { "Content-Type": "application/json" },
    });
    const found = await response.json().catch(() => ({}));
    if (response.ok) return found;
    throw { status: response.status, detail: found.detail, after: response.headers.get("Retry-After") };
  };
  const ask = async (question) => {
    if (running) return;
    const mine = running = new AbortController();
    go.ariaDisabled = true;
    const body = make("div", { className: "wait" });
    const turn = make("article", {}, make("h3", { dir: "auto", lang: language(question) }, question), body);
    log.querySelector(".failed")?.remove();
    log.prepend(turn);
    const slow = setTimeout(() => {
      body.append(say("wait"));
      hear(say("wait"));
    }, SLOW);
    const late = setTimeout(() => mine.abort({ status: 503 }), LIMIT);
    let parts;
    try {
      const sent = { question, history: asked.slice(-10) };
      parts = card(await post("ask", sent, mine.signal), question);
      asked.push(question);
    } catch (error) {
      field.value ||= question;
      turn.className = "failed";
      parts = failure(error, question);
      // Taken out of the page, or moved in it.
      if (error.name === "AbortError") turn.remove();
    }
    clearTimeout(slow);
    clearTimeout(late);
    running = go.ariaDisabled = null;
    body.className = "";
    body.replaceChildren(...parts.filter((part) => part));
    hear([...body.querySelectorAll(".said, .lead")].map((each) => each.textContent).join(" "));
  };

  const failure = ({ status, detail, after }, question) => {
    const later = status === 429 || status >= 500;
    until = Date.now() + 1000 * after;
    const again = (!status || later) && button("", () => {
      if (left()) return;
      if (field.value === question) field.value = "";
      field.focus();
      ask(question);
    });
    const count = () => {
      again.textContent = say(left() ? "left" : "again", left());
      again.ariaDisabled = left() > 0;
      if (left()) setTimeout(count, 500);
    };
    if (again) count();
    return [again && said(say(later ? "busy" : "away"), spoken), detail && said(detail, language(detail)), again];
  };

  const place = ({ section, document: { language: lang }, highlight_url: url }, text = section.path.join(" › ")) =>
    make("span", { lang, dir: "auto" }, link(web(url, base), text));
  const card = ({ id, query, passages: [first, ...others], closest, message, ...answer }, question) => {
    const parts = [
      query !== question.replace(/\s+/g, " ") && quiet(say("searched", query),
        button(say("typed"), () => {
          asked.length = 0;
          ask(`"${answer.corrected_from ?? question}"`);
        })),
      message && said(message, answer.language),
    ];
    if (first) {
      const { language: lang } = first.document;
      if (lang !== spoken && !foreign) parts.push(quiet(foreign = say("foreign")));
      const lead = render(first, base, true), whole = render(first, base);
      lead.className = "lead";
      lead.lang = whole.lang = lang;
      const letters = (node) => node.textContent.match(/[\p{L}\p{N}]/gu)?.length;
      const rest = letters(whole) !== letters(lead) &&
        make("details", { open: !lead.firstChild }, make("summary", {}, say("more")), whole);
      parts.push(lead.firstChild && lead, rest, quiet(place(first)));
    } else if (closest) parts.push(quiet(say("closest"), place(closest)));
    const lines = others.slice(0, 2).map((passage) => make("li", {}, place(passage, passage.section.title), " ",
      make("q", { lang: passage.document.language }, render(passage, base, true).textContent)));
    if (lines[0]) parts.push(quiet(say("also")), make("ul", { className: "quiet" }, ...lines));
    if (first || closest) parts.push(votes(id));
    return parts;
  };
  const votes = (id) => {
    const done = make("span");
    const both = [["yes", true], ["no", false]].map(([name, helpful]) =>
      button(say(name), async ({ target }) => {
        const kept = await post("feedback", { answer_id: id, helpful }).then(() => true, () => false);
        for (const each of kept ? both : []) each.ariaPressed = each === target;
        done.textContent = say(kept ? "thanks" : "away");
        hear(done.textContent);
      }, { ariaPressed: false }));
    const asks = say("helped");
    return make("div", { className: "row quiet", role: "group", ariaLabel: asks }, asks, ...both, done);
  };
  return () => running?.abort();
};

customElements.define("notes-assistant", class extends HTMLElement {
  #stop;

  connectedCallback() {
    this.#stop ??= build(this);
  }

  disconnectedCallback() {
    this.#stop();
  }
});
})();
