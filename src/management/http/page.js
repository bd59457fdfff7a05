// Shows only the routes in which all words of the filter occur. Without a script the page is whole.
"use strict";
const filter = document.getElementById("filter");
const sections = [...document.querySelectorAll("main section")].filter((it) => it.id !== "conventions");
const links = new Map([...document.querySelectorAll("nav li a")].map((it) => [it.hash.slice(1), it.parentElement]));

function apply() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const section of sections) {
    let here = 0;
    for (const article of section.querySelectorAll("article")) {
      const text = article.textContent.toLowerCase();
      article.hidden = !words.every((word) => text.includes(word));
      here += article.hidden ? 0 : 1;
    }
    section.hidden = here === 0;
    links.get(section.id)?.toggleAttribute("hidden", here === 0);
    shown += here;
  }
  document.getElementById("nothing").hidden = shown > 0;
}

filter.closest("label").hidden = false;
filter.addEventListener("input", apply);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== filter) {
    event.preventDefault();
    filter.focus();
  }
});
