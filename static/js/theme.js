// Light or dark, as chosen in the footer: kept in a cookie, so that the server draws the next page that way at once.
const YEAR = 365 * 24 * 3600;

document.addEventListener("change", (event) => {
  const choice = event.target.closest("[data-appearance]")?.value;
  if (choice === undefined) return;
  const root = document.documentElement;
  if (choice) root.dataset.theme = choice;
  else delete root.dataset.theme;
  document.querySelector("meta[name=color-scheme]").content = choice || "light dark";
  document.cookie = `theme=${choice}; path=/; max-age=${choice ? YEAR : 0}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
});
