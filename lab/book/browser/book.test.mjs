// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The book in a real browser: each page on a wide and a narrow screen, light and dark. It opens the
// files as a student does, without a server. BOOK is the folder of the book, and SHOTS that of the
// screenshots.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const { BOOK, SHOTS } = process.env;
const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const SCREENS = { desktop: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } };
// The theme of each colour scheme.
const THEMES = { light: "light", dark: "navy" };
// This page has the screenshots.
const SHOWN = "part2.html";
// A machine may be slow. This is no limit of the test, only the end of waiting.
const PATIENCE = 600_000;

// toc.html is a part of the pages for browsers without JavaScript.
const pages = readdirSync(BOOK).filter((name) => name.endsWith(".html") && name !== "toc.html");
let browser;
before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", timeout: PATIENCE });
});
after(() => browser?.close());

const address = (page) => pathToFileURL(`${BOOK}/${page}`).href;

/// Open a page, and hand it to `look` with a list of complaints of the browser.
async function open(page, options, look) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  try {
    const tab = await context.newPage();
    const complaints = [];
    tab.on("console", (said) => {
      if (["error", "warning"].includes(said.type())) complaints.push(said.text());
    });
    tab.on("pageerror", (error) => complaints.push(String(error)));
    tab.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
    tab.on("request", (request) => {
      if (!request.url().startsWith(pathToFileURL(BOOK).href)) complaints.push(`elsewhere: ${request.url()}`);
    });
    await tab.goto(address(page), { waitUntil: "load" });
    await look(tab, complaints);
    assert.deepEqual(complaints, [], "the browser complains");
  } finally {
    await context.close();
  }
}

/// What axe objects to, one line for each place. Preloading styles needs a server.
async function objections(tab) {
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], preload: false }));
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 200)}`));
}

assert.ok(pages.length > 10, `${pages.length} pages in ${BOOK}`);
for (const [screen, viewport] of Object.entries(SCREENS)) {
  for (const [scheme, theme] of Object.entries(THEMES)) {
    describe(`${screen}, ${scheme}`, () => {
      for (const page of pages) {
        test(page, () =>
          open(page, { viewport, colorScheme: scheme, reducedMotion: "reduce" }, async (tab) => {
            if (page === SHOWN) await tab.screenshot({ path: `${SHOTS}/${page}-${screen}-${scheme}.png` });
            const found = await tab.evaluate(() => {
              for (const answer of document.querySelectorAll("details")) answer.open = true;
              const root = document.documentElement;
              const text = document.querySelector(".picture text");
              // mdBook hides what is too wide, so the page itself never scrolls.
              const wide = [...document.querySelectorAll("main *, header *, [role=banner] *")].filter((part) => {
                const { left, right } = part.getBoundingClientRect();
                return right > root.clientWidth + 1 || left < -1;
              });
              return {
                theme: [...root.classList],
                wide: wide.map((part) => part.outerHTML.slice(0, 100)),
                picture: text && getComputedStyle(text).fill,
                ink: getComputedStyle(document.querySelector("main")).color,
              };
            });
            assert.ok(found.theme.includes(theme), `expected the theme ${theme}, found ${found.theme}`);
            assert.deepEqual(found.wide, [], "parts of the page are wider than the screen");
            if (found.picture !== null) assert.equal(found.picture, found.ink, "a picture has the colour of the text");
            assert.deepEqual(await objections(tab), []);
          }));
      }
    });
  }
}

test("each stage begins with a picture that has a name", async () => {
  for (const page of ["part1.html", "part2.html", "part3.html", "message-slot.html"]) {
    await open(page, {}, async (tab) => {
      const first = tab.locator("main h1 + figure");
      assert.equal(await first.count(), 1, page);
      assert.notEqual(await first.getByRole("img").first().getAttribute("aria-labelledby"), null, page);
    });
  }
});

for (const [screen, viewport] of Object.entries(SCREENS)) {
  test(`search finds a word and leads to its page, ${screen}`, () =>
    open("index.html", { viewport }, async (tab) => {
      await tab.locator("#mdbook-search-toggle").click();
      await tab.locator("#mdbook-searchbar").pressSequentially("NETLINK_URELEASE");
      const result = tab.locator("#mdbook-searchresults li a").first();
      await result.waitFor();
      assert.deepEqual(await objections(tab), []);
      await result.click();
      await tab.waitForURL((url) => !url.pathname.endsWith("index.html"));
      assert.match(await tab.locator("main").innerText(), /NETLINK_URELEASE/);
    }));
}

test("an answer opens without JavaScript", () =>
  open("questions.html", { javaScriptEnabled: false }, async (tab) => {
    const question = tab.locator("details").first();
    const answer = question.locator("p").first();
    assert.equal(await answer.isVisible(), false);
    await question.locator("summary").press("Enter");
    assert.equal(await answer.isVisible(), true);
  }));
