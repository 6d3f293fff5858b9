// What the other scripts say, in the person's language, and how it writes figures.
"use strict";

const LANGUAGE = document.documentElement.lang || "en";
const WORDS = JSON.parse(document.body.dataset.words || "{}");
const figure = new Intl.NumberFormat(LANGUAGE, { useGrouping: false }).format;

// A text, with what belongs in its places: said("about {0} left", "20 s"); nothing for none.
function said(english, ...values) {
  return (WORDS[english] || english || "").replace(/\{(\d)\}/g, (_place, index) => values[index]);
}
