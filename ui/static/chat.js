// The conversation in the page: turns are added as they come, so that what is open stays open.
(() => {
  const words = {
    ko: {
      hint: "노트에 물어보세요…", wait: "찾는 중…", copied: "복사했어요.", code: "복사",
      away: "서버에 연결할 수 없어요. 질문은 그대로 두었어요.", again: "다시 시도",
      many: "잠시 뒤에 다시 물어봐 주세요. 한 번에 너무 많이 물었어요.",
    },
    en: {
      hint: "Ask the notes…", wait: "Looking it up…", copied: "Copied.", code: "Copy",
      away: "The server cannot be reached. Your question is still here.", again: "Try again",
      many: "Too many questions at once. Please ask again in a moment.",
    },
  };
  const SLOW = 300;
  const root = document.documentElement;
  const kept = (key, value) => {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch { /* storage is switched off */ }
    return null;
  };
  const pending = (question) => {
    try {
      const before = sessionStorage.getItem("notes-pending");
      if (question) sessionStorage.setItem("notes-pending", question);
      else sessionStorage.removeItem("notes-pending");
      return before;
    } catch { /* storage is switched off */ }
    return null;
  };
  const say = (name) => words[root.lang]?.[name] ?? words.en[name];
  const box = () => document.querySelector("#box textarea");
  const log = () => document.getElementById("log");
  const hear = (text) => {
    const heard = document.getElementById("heard");
    if (heard) heard.textContent = text;
  };

  const speak = (language) => {
    root.lang = language;
    const field = box();
    if (field) {
      field.placeholder = say("hint");
      field.setAttribute("aria-label", say("hint"));
    }
  };
  root.lang = kept("notes-language") ?? (navigator.language.startsWith("ko") ? "ko" : "en");
  const shade = (dark) => document.body.classList.toggle("dark", dark);

  // Gradio's box keeps its own value: it has to hear of a change before it can send it.
  const ask = (question) => {
    const field = box();
    field.value = question;
    field.dispatchEvent(new Event("input", {bubbles: true}));
    requestAnimationFrame(() => document.querySelector("#box .submit-button")?.click());
  };

  let waiting = 0;
  const settle = () => {
    clearTimeout(waiting);
    document.querySelectorAll(".note-waiting, .note-away").forEach((each) => each.remove());
  };
  const wait = () => {
    settle();
    waiting = setTimeout(() => {
      const note = document.createElement("p");
      note.className = "note-waiting";
      note.textContent = say("wait");
      log()?.append(note);
      hear(say("wait"));
    }, SLOW);
  };
  const fail = (name) => {
    settle();
    const note = document.createElement("p");
    note.className = "note-away";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = say("again");
    // Gradio begins its page anew once the server is back: the question waits outside of it.
    pending(box()?.value ?? "");
    button.addEventListener("click", () => {
      fetched("health/live").then((response) => response.ok && location.reload(), () => fail(name));
    });
    note.append(say(name), " ", button);
    log()?.append(note);
    note.scrollIntoView({block: "nearest"});
    hear(say(name));
  };
  const fetched = window.fetch;
  window.fetch = async (...request) => {
    const address = String(request[0]?.url ?? request[0]);
    if (!address.includes("/queue/join")) return fetched(...request);
    try {
      const response = await fetched(...request);
      if (!response.ok) fail(response.status === 429 ? "many" : "away");
      return response;
    } catch (error) {
      fail("away");
      throw error;
    }
  };

  const dress = (added) => {
    for (const pre of added.querySelectorAll("pre")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "note-code";
      button.dataset.do = "code";
      button.textContent = say("code");
      pre.before(button);
    }
  };
  const add = (html) => {
    settle();
    const place = log();
    if (!html || !place) return null;
    const count = place.children.length;
    place.insertAdjacentHTML("beforeend", html);
    const added = [...place.children].slice(count);
    added.forEach(dress);
    document.querySelector('[data-do="fresh"]').hidden = false;
    return added;
  };

  let sent = "";
  window.notes = {
    // Gradio's box keeps a value of its own, which knows nothing of what is typed while the page is
    // put together: neither when it is sent, nor when it is emptied.
    typed: () => {
      wait();
      return (sent = box().value);
    },
    add: (html) => {
      const last = add(html)?.at(-1);
      if (!last) return;
      if (box().value === sent) box().value = "";
      // The page goes to the question, so that its answer is read from the top.
      last.scrollIntoView({block: "start"});
      hear(last.querySelector(".note-quote, .note-message")?.innerText ?? "");
    },
    open: (html) => {
      speak(root.lang);
      add(html)?.at(-1)?.scrollIntoView({block: "start"});
      // The page was made at the server's start, what it greets with comes from the notes as they are.
      requestAnimationFrame(() => {
        document.title = document.querySelector("#welcome h1 [lang=ko]")?.textContent ?? document.title;
      });
      // What was asked by the address is not asked once more by loading the page again.
      if (location.search) history.replaceState(null, "", location.pathname);
      // Where there is no keyboard, focus would bring one up over the page.
      if (matchMedia("(hover: hover)").matches) box()?.focus({preventScroll: true});
      const question = pending("");
      if (question) ask(question);
    },
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  };
  const absolute = (markdown) => markdown.replace(/\]\((\/[^)]*)\)$/, (_, path) => `](${location.origin}${path})`);
  const done = (button) => {
    hear(say("copied"));
    button.classList.add("note-done");
    setTimeout(() => button.classList.remove("note-done"), 1500);
  };
  const vote = (button, helpful, comment) => {
    const holder = button.closest(".note-vote");
    const body = {answer_id: holder.dataset.answer, helpful};
    if (comment) body.comment = comment;
    fetched("api/v1/feedback", {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
    }).then((response) => {
      if (!response.ok) { fail("away"); return; }
      const thanks = holder.querySelector(".note-thanks");
      thanks.hidden = false;
      hear(thanks.innerText);
    }, () => fail("away"));
  };
  const deeds = {
    copy: (button) => copy(absolute(button.dataset.value)).then(() => done(button)),
    share: (button) => {
      const address = `${location.origin}${location.pathname}?q=${encodeURIComponent(button.dataset.value)}`;
      copy(address).then(() => done(button));
    },
    code: (button) => copy(button.nextElementSibling.innerText).then(() => done(button)),
    "as-typed": (button) => ask(`"${button.dataset.value}"`),
    yes: (button) => {
      button.closest(".note-vote").querySelector(".note-reasons").hidden = true;
      vote(button, true);
    },
    no: (button) => {
      button.closest(".note-vote").querySelector(".note-reasons").hidden = false;
      vote(button, false);
    },
    reason: (button) => vote(button, false, button.innerText),
    dark: () => {
      const dark = !document.body.classList.contains("dark");
      shade(dark);
      kept("notes-dark", String(dark));
    },
    fresh: (button) => {
      settle();
      log().replaceChildren();
      button.hidden = true;
      document.getElementById("fresh")?.click();
      box()?.focus();
    },
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-do], [data-language]");
    if (button?.dataset.language) {
      speak(button.dataset.language);
      kept("notes-language", button.dataset.language);
      document.cookie = `notes-language=${button.dataset.language}; path=/; max-age=31536000; samesite=lax`;
    } else if (button) {
      deeds[button.dataset.do]?.(button);
      for (const other of button.parentElement.querySelectorAll("[data-do]")) {
        if (["yes", "no", "reason"].includes(button.dataset.do)) {
          other.setAttribute("aria-pressed", String(other === button));
        }
      }
    }
    const chip = event.target.closest?.("a.note-chip");
    if (chip && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      ask(chip.innerText);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.target !== box()) return;
    // While a syllable is composed, Enter ends it; some browsers say so by the key's number alone.
    if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) {
      event.stopImmediatePropagation();
    } else if (event.key === "ArrowUp" && !event.target.value) {
      const asked = document.querySelectorAll(".note-question");
      if (!asked.length) return;
      event.preventDefault();
      event.target.value = asked[asked.length - 1].innerText;
      event.target.dispatchEvent(new Event("input", {bubbles: true}));
    }
  }, true);

  document.addEventListener("DOMContentLoaded", () => {
    const dark = kept("notes-dark");
    if (dark !== null) shade(dark === "true");
  });
})();
