// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What mdBook's own scripts, which come first, leave undone.

// The button that shows and hides the table of contents. mdBook has a label there, which takes no keys.
document.getElementById("mdbook-sidebar-toggle").addEventListener("click", () => {
  document.getElementById("mdbook-sidebar-toggle-anchor").click();
});

// A word that the search has found may be in a folded answer.
for (const found of document.querySelectorAll("details mark[data-markjs]")) {
  found.closest("details").open = true;
}
