// The views Inside and Map: the bundle's card, the choice of a bundle, the user's own bundle.

/** @import { BundleInfo } from "pointsman" */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";

import { Router } from "pointsman";

import { place } from "../../web/src/model/projection.js";
import { bundleFiles, DEFAULT, ROOT, readJson, TINY } from "../hosts/paths.mjs";
import { tar } from "../hosts/tar.mjs";
import { DEVICE_NAMES, payload, startBrowser, widerThanScreen } from "./open-page.mjs";

/** @type {BundleInfo} */
const info = readJson(`${DEFAULT}/router.json`);
/** @type {BundleInfo} */
const accurate = readJson(join(ROOT, "bundles/accurate/router.json"));
/** @type {BundleInfo} */
const tiny = readJson(`${TINY}/router.json`);
const files = bundleFiles(TINY);
const { open } = await startBrowser(after);

const withManifest = (/** @type {(manifest: {format: number, kind: string}) => void} */ change) => {
  const manifest = readJson(`${TINY}/router.json`);
  change(manifest);
  return { ...files, "router.json": Buffer.from(JSON.stringify(manifest)) };
};

for (const device of DEVICE_NAMES) {
  test(`${device}: the card shows the fields of router.json`, () =>
    open({ device, link: "#/inside" }, async (page) => {
      const text = await page.locator("main").textContent();
      const stated = [
        info.kind,
        info.encoder.source ?? "",
        info.provenance?.licence ?? "",
        info.provenance?.recipe ?? "",
        ...info.candidates.map(({ id }) => id),
        ...info.trained_on.flatMap(({ name, licence }) => [name, licence]),
        ...info.files.map(({ name }) => name),
      ];
      for (const part of stated) assert.ok(part && text?.includes(part), part);
      assert.deepEqual(await widerThanScreen(page), []);
    }));

  test(`${device}: the typed query is placed on the map by the projection of its embedding`, () =>
    open({ device, link: "#/map" }, async (page) => {
      await page.locator(".chart svg[role=img]").waitFor();
      const dots = page.locator(".chart [data-mark=dot]").first().locator("circle");
      const map = readJson(`${DEFAULT}/${info.map?.name}`);
      assert.equal(await dots.count(), map.points.length);
      assert.equal(await page.locator("#placed").textContent(), "");
      const places = [];
      for (const query of [
        "Which court hears an appeal about a lease?",
        "What is the momentum of a falling ball after 3 seconds?",
      ]) {
        await page.fill("#query", query);
        const star = page.locator(".chart [data-mark=dot]").last().locator("path");
        await star.waitFor();
        assert.match((await page.locator("#placed").textContent()) ?? "", /^Your query lies among: .+\.$/);
        places.push(await star.getAttribute("transform"));
      }
      assert.notEqual(places[0], places[1]);
      const router = await Router.load(DEFAULT);
      const [x, y] = place(map.projection, router.embed("Which court hears an appeal about a lease?"));
      router.free();
      assert.ok(Math.abs(x) < 3 && Math.abs(y) < 3, `${x} ${y}`);
      await page.getByRole("radio", { name: "Win rate" }).check();
      await page.locator(".gradient").waitFor();
      assert.deepEqual(await widerThanScreen(page), []);
    }));
}

test("another of the page's bundles can be chosen, and the link names it", () =>
  open({ link: "#/inside" }, async (page) => {
    await page.getByRole("combobox", { name: "Bundle" }).selectOption("accurate");
    await page.waitForSelector("#card-title:text('accurate')");
    await page.waitForFunction(() => location.hash.includes("bundle=accurate"));
    await page.locator("nav a", { hasText: "Playground" }).click();
    await page.fill("#query", "Hello");
    assert.equal(await page.locator(".scores tbody tr").count(), accurate.candidates.length);
  }));

test("the user's own bundle opens from its files and from its tar", () =>
  open({ link: "#/inside" }, async (page) => {
    for (const chosen of [payload(files), payload({ "bundle.tar": tar(files) })]) {
      await page.getByRole("combobox", { name: "Bundle" }).selectOption("default");
      await page.waitForSelector("#card-title:text('default')");
      await page.setInputFiles("#own-bundle", chosen);
      await page.waitForSelector(`#card-title:text('${tiny.name}')`);
    }
    await page.locator("nav a", { hasText: "Playground" }).click();
    await page.fill("#query", "Hello");
    const verdict = await page.locator("#verdict").textContent();
    assert.ok(
      tiny.candidates.some(({ id }) => id === verdict),
      `${verdict}`,
    );
  }));

test("files dropped on the page are opened", () =>
  open({ link: "#/inside" }, async (page) => {
    /** @type {[name: string, bytes: number[]][]} */
    const dropped = Object.entries(files).map(([name, bytes]) => [name, [...bytes]]);
    const transfer = await page.evaluateHandle((dropped) => {
      const transfer = new DataTransfer();
      for (const [name, bytes] of dropped) transfer.items.add(new File([new Uint8Array(bytes)], name));
      return transfer;
    }, dropped);
    await page.dispatchEvent(".drop-zone", "drop", { dataTransfer: transfer });
    await page.waitForSelector(`#card-title:text('${tiny.name}')`);
  }));

const flipped = Uint8Array.from(files["model.onnx"]);
flipped[flipped.length >> 1] ^= 1;
const { "tokenizer.json": _, ...incomplete } = files;
/** @type {Record<string, [chosen: ReturnType<typeof payload>, message: RegExp]>} */
const BROKEN = {
  "a changed byte": [
    payload({ ...files, "model.onnx": flipped }),
    /damaged or from another export.*bundle_wrong_hash/s,
  ],
  "a missing file": [payload(incomplete), /drop the whole folder.*bundle_missing_file/s],
  "a future format": [
    payload(
      withManifest((m) => {
        m.format = 2;
      }),
    ),
    /newer trainer.*bundle_unknown_format/s,
  ],
  "an unknown kind": [
    payload(
      withManifest((m) => {
        m.kind = "oracle";
      }),
    ),
    /bundle_unknown_kind/,
  ],
  "a cut tar": [
    payload({ "bundle.tar": tar(files).subarray(0, 2000) }),
    /not an uncompressed tar.*bundle_bad_archive/s,
  ],
  "a picture": [payload({ "cat.png": Buffer.from("no bundle") }), /bundle_missing_file/],
};

test("the error for a damaged bundle is explained, and the previous bundle stays in use", () =>
  open({ link: "#/inside" }, async (page) => {
    for (const [name, [chosen, message]] of Object.entries(BROKEN)) {
      await page.setInputFiles("#own-bundle", chosen);
      await page
        .waitForFunction(
          (source) => new RegExp(source, "s").test(document.querySelector("[role=alert]")?.textContent ?? ""),
          message.source,
        )
        .catch(async () => assert.fail(`${name}: ${await page.locator("main").textContent()}`));
      assert.equal(await page.locator("#card-title").textContent(), "default");
    }
    await page.locator("nav a", { hasText: "Playground" }).click();
    await page.fill("#query", "Hello");
    await page.waitForSelector(".scores");
  }));
