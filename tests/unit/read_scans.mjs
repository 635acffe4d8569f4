// Reads texts (a JSON list on standard input) by the till's own script and writes what each can be.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const STATIC = join(import.meta.dirname, "../../static");
const { build } = await import(pathToFileURL(join(STATIC, "node_modules/esbuild/lib/main.js")).href);
const { outputFiles } = await build({
  entryPoints: [join(STATIC, "scripts/till/reading.ts")],
  bundle: true,
  format: "esm",
  write: false,
});
const { isWhole, read, readOnce, samePass } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
const { texts, pairs } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(
  JSON.stringify({
    readings: texts.map((text) => ({ ...read(text), once: readOnce(text), whole: isWhole(text) })),
    same: pairs.map(([one, other]) => samePass(one, other)),
  }),
);
