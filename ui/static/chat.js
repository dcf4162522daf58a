// Which of the two languages the page's own words are shown in.
(() => {
  const key = "notes-language";
  const show = (language) => { document.documentElement.lang = language; };
  let stored = null;
  try { stored = localStorage.getItem(key); } catch { /* storage is switched off */ }
  show(stored ?? (navigator.language.startsWith("ko") ? "ko" : "en"));
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-language]");
    if (!button) return;
    show(button.dataset.language);
    try { localStorage.setItem(key, button.dataset.language); } catch { /* as above */ }
  });
})();
