// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The button that shows and hides the table of contents. mdBook has a label there, which takes no
// keys. Its own script comes first, and prepares the table.
document.getElementById("mdbook-sidebar-toggle").addEventListener("click", () => {
  document.getElementById("mdbook-sidebar-toggle-anchor").click();
});
