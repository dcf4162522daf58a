// Which of the two languages the page's own words are shown in.
(() => {
  const key = "notes-language";
  const hints = {ko: "노트에 물어보세요…", en: "Ask the notes…"};
  let stored = null;
  try { stored = localStorage.getItem(key); } catch { /* storage is switched off */ }

  const show = (language) => {
    document.documentElement.lang = language;
    const box = document.querySelector("#box textarea");
    if (box) box.placeholder = hints[language];
  };
  document.documentElement.lang = stored ?? (navigator.language.startsWith("ko") ? "ko" : "en");

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-language]");
    if (!button) return;
    show(button.dataset.language);
    try { localStorage.setItem(key, button.dataset.language); } catch { /* as above */ }
  });

  window.notesReady = () => {
    show(document.documentElement.lang);
    // Where there is no keyboard, focus would bring one up over the page.
    if (matchMedia("(hover: hover)").matches) {
      document.querySelector("#box textarea")?.focus({preventScroll: true});
    }
  };
})();
