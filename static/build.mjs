// Builds the browser's files: one stylesheet, a module for each script, the pictures and the map's outline, each under
// a name that carries its content's hash, with a manifest beside them.
//
//     node static/build.mjs [target folder]

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { build } from "esbuild";
import { outline } from "./outline.mjs";

const HERE = import.meta.dirname;
const TARGET = resolve(process.argv[2] ?? join(HERE, "../src/dropoff/web/assets"));

const SHARED = {
  bundle: true,
  charset: "utf8",
  legalComments: "inline", // the licences of others travel with their code
  logLevel: "warning",
  minify: true,
  write: false,
};

const listed = (folder, ending) =>
  readdirSync(join(HERE, folder)).filter((name) => name.endsWith(ending)).sort();

/** The parts in the order of their names. */
async function stylesheet() {
  const contents = listed("styles", ".css").map((name) => `@import "./styles/${name}";`).join("\n");
  const { outputFiles } = await build({ ...SHARED, stdin: { contents, loader: "css", resolveDir: HERE } });
  return outputFiles[0].text;
}

/** Every file of scripts/ is a module of its own, perhaps with styles that it needs; what they share lies in folders. */
async function scripts() {
  const { outputFiles } = await build({
    ...SHARED,
    entryPoints: listed("scripts", ".ts")
      .filter((name) => !name.endsWith(".d.ts"))
      .map((name) => join(HERE, "scripts", name)),
    format: "esm",
    loader: { ".png": "dataurl" },
    outdir: "/",
    target: "es2022",
  });
  return outputFiles.map((file) => [basename(file.path), file.text]);
}

const files = new Map([
  ["dropoff.css", await stylesheet()],
  ...(await scripts()),
  ["outline.json", JSON.stringify(outline())],
  ["zxing_reader.wasm", readFileSync(join(HERE, "node_modules/zxing-wasm/dist/reader/zxing_reader.wasm"))],
  ...listed("images", ".svg").map((name) => [name, readFileSync(join(HERE, "images", name), "utf8").trim()]),
]);

const fresh = `${TARGET}.new`;
rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
const manifest = {};
for (const [name, text] of files) {
  const ending = extname(name);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  manifest[name] = `${basename(name, ending)}.${hash}${ending}`;
  writeFileSync(join(fresh, manifest[name]), text);
}
writeFileSync(join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
rmSync(TARGET, { recursive: true, force: true });
renameSync(fresh, TARGET);
console.log(`built ${files.size} browser files into ${TARGET}`);
