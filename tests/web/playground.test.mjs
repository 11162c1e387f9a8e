// The playground: the decision is updated with each key, policy and turn.

/** @import { Page } from "playwright-core" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { DEFAULT, readJson } from "../hosts/paths.mjs";
import { DEVICE_NAMES, startBrowser, widerThanScreen } from "./open-page.mjs";

const info = readJson(`${DEFAULT}/router.json`);
const { strong, weak } = info.head;
const { open } = await startBrowser(after);
const HARD = "Prove that every finite integral domain is a field, and say where finiteness is used.";

const verdict = (/** @type {Page} */ page) => page.locator("#verdict").textContent();
const becomes = (/** @type {Page} */ page, /** @type {string} */ text) =>
  page.waitForFunction((text) => document.querySelector("#verdict")?.textContent === text, text);

for (const device of DEVICE_NAMES) {
  test(`${device}: the decision is updated with each key`, () =>
    open({ device }, async (page) => {
      assert.equal(await verdict(page), "No query yet");
      await page.locator("#query").pressSequentially("What is");
      assert.ok([strong, weak].includes((await verdict(page)) ?? ""));
      assert.equal(await page.locator("#tokens").textContent(), "2");
      await page.locator("#query").pressSequentially(" the");
      assert.equal(await page.locator("#tokens").textContent(), "3");
      assert.equal(await page.locator(".scores tbody tr").count(), info.candidates.length);
      assert.match(
        (await page.locator("figcaption").textContent()) ?? "",
        /^Win rate 0\.\d{3} [<≥] Threshold 0\.\d{3}$/,
      );
      assert.match((await page.locator("#route-time").textContent()) ?? "", /ms$/);
      assert.deepEqual(await widerThanScreen(page), []);
    }));

  test(`${device}: the slider moves the decision from the weak to the strong candidate`, () =>
    open({ device }, async (page) => {
      await page.fill("#query", HARD);
      for (const [share, model] of [
        ["0", weak],
        ["1", strong],
      ]) {
        await page.getByRole("slider").fill(share);
        await becomes(page, model);
        assert.equal(await page.locator(".slider output").textContent(), `${Number(share) * 100}%`);
      }
    }));

  test(`${device}: a conversation's rating decays slowly with easy turns, and each turn is drawn`, () =>
    open({ device }, async (page) => {
      await page.getByRole("radio", { name: "Conversation" }).check();
      await page.waitForSelector(".turns li:nth-child(5)");
      const chart = page.locator(".chart svg[role=img]");
      await chart.waitFor();
      const label = (await chart.getAttribute("aria-label")) ?? "";
      const turns = [...label.matchAll(/turn (\d): alone ([\d.]+), conversation ([\d.]+)/g)].map(([, ...numbers]) =>
        numbers.map(Number),
      );
      assert.equal(turns.length, 3);
      const [[, first], [, second, risen], [, third, fallen]] = turns;
      assert.ok(second > first && third < second, label);
      assert.equal(risen, second, "a harder turn raises the rating at once");
      assert.ok(fallen > third && fallen < risen, "an easier turn lowers the rating only in part");
      await page.getByRole("button", { name: "Add a turn" }).click();
      assert.equal(await page.locator(".turns li").count(), 7);
      await page.getByRole("button", { name: "Remove the last turn" }).click();
      assert.equal(await page.locator(".turns li").count(), 5);
      assert.deepEqual(await widerThanScreen(page), []);
    }));
}

test("a threshold and its share of strong calls are the same policy", () =>
  open({}, async (page) => {
    await page.fill("#query", HARD);
    const before = await page.locator("figcaption").textContent();
    await page.getByRole("radio", { name: "Threshold" }).check();
    assert.equal(await page.locator("figcaption").textContent(), before);
    await page.getByRole("radio", { name: "Share of strong calls" }).check();
    assert.equal(await page.locator(".slider output").textContent(), "30%");
  }));

test("the tiers of the default bundle have no prices, so no cost is shown", () =>
  open({ link: "#/playground?mode=strongShare&strongShare=0&q=Hello" }, async (page) => {
    assert.match((await page.locator(".figures").textContent()) ?? "", /This answer–/);
  }));

test("examples in at least four languages fill the box and are decided", () =>
  open({}, async (page) => {
    const chips = page.locator(".examples button");
    const languages = await chips.evaluateAll((all) => all.map((chip) => chip.getAttribute("lang")));
    assert.ok(new Set(languages).size >= 4, String(languages));
    for (let i = 0; i < languages.length; i += 1) {
      await chips.nth(i).click();
      assert.equal(await page.inputValue("#query"), await chips.nth(i).getAttribute("title"));
      assert.ok([strong, weak].includes((await verdict(page)) ?? ""));
    }
  }));

test("one can type while the router loads, and the decision follows once it is loaded", async () => {
  const { promise: held, resolve: arrive } = Promise.withResolvers();
  const prepare = (/** @type {Page} */ page) =>
    page.route("**/model.onnx", async (route) => {
      await held;
      await route.continue();
    });
  await open({ prepare, ready: false }, async (page) => {
    await page.fill("#query", HARD);
    await page.getByRole("progressbar").waitFor();
    assert.equal(await page.locator("#verdict").count(), 0);
    arrive(undefined);
    await becomes(page, strong);
    assert.equal(await page.inputValue("#query"), HARD);
  });
});

test("an emptied box shows no decision", () =>
  open({ link: "#/playground?q=Hello" }, async (page) => {
    await page.waitForSelector(".scores");
    await page.fill("#query", "   ");
    await page.waitForSelector(".scores", { state: "detached" });
    assert.equal(await verdict(page), "No query yet");
  }));

test("a refused query is reported, and the next one is decided", () =>
  open({}, async (page) => {
    await page.fill("#query", "not \0 text");
    const fault = page.getByRole("alert");
    await fault.waitFor();
    assert.match((await fault.textContent()) ?? "", /not text.*query_ill_formed/s);
    await page.fill("#query", "Hello");
    await fault.waitFor({ state: "detached" });
    await page.waitForSelector(".scores");
  }));

test("a link restores the sender's view", () =>
  open({ link: "#/playground?mode=threshold&threshold=0.9&q=Prove+it&lang=zh&theme=dark" }, async (page) => {
    assert.equal(await page.inputValue("#query"), "Prove it");
    assert.equal(await verdict(page), weak);
    assert.equal(await page.locator(".slider output").textContent(), "0.900");
    assert.equal(await page.getAttribute("html", "lang"), "zh-Hans");
    assert.equal(await page.getAttribute("html", "data-theme"), "dark");
    await page.fill("#query", "Prove it again");
    await page.waitForFunction(() => location.hash.includes("q=Prove+it+again"));
    const link = await page.evaluate(() => location.hash);
    await page.goto("about:blank");
    await page.goBack();
    await page.waitForSelector("html[data-ready]");
    assert.equal(await page.evaluate(() => location.hash), link);
    assert.equal(await page.inputValue("#query"), "Prove it again");
  }));

test("language and colour theme are stored", () =>
  open({}, async (page) => {
    await page.getByRole("button", { name: "中文" }).click();
    await page.getByRole("button", { name: "配色" }).click();
    await page.reload();
    await page.waitForSelector("html[data-ready]");
    assert.equal(await page.title(), "Pointsman：该由哪个模型回答？");
    assert.equal(await page.getAttribute("html", "data-theme"), "light");
  }));

test("all controls can be reached and used with the keyboard alone", () =>
  open({}, async (page) => {
    await page.locator("body").press("Tab");
    const seen = new Set();
    for (let i = 0; i < 60; i += 1) {
      const at = await page.evaluate(() => {
        const element = document.activeElement;
        const type = element && "type" in element ? element.type : "";
        return `${element?.tagName} ${element?.id || type || element?.textContent?.slice(0, 30)}`;
      });
      seen.add(at);
      await page.keyboard.press("Tab");
    }
    for (const wanted of ["TEXTAREA query", "SELECT select-one"])
      assert.ok(
        [...seen].some((at) => at === wanted),
        [...seen].join("\n"),
      );
    for (const view of ["Trade-off", "Benchmark"])
      assert.ok(
        [...seen].some((at) => at.includes(view)),
        view,
      );
    await page.locator("nav a", { hasText: "Trade-off" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#curve-title");
    await page.getByRole("slider").focus();
    const before = await page.locator(".slider output").textContent();
    for (let i = 0; i < 10; i += 1) await page.keyboard.press("ArrowRight");
    assert.notEqual(await page.locator(".slider output").textContent(), before);
  }));
