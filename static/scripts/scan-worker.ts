// Reads codes out of camera pictures, beside the page. Its answer alone carries the policy that lets WebAssembly run.

import { prepareZXingModule, readBarcodes, type ReaderOptions } from "zxing-wasm/reader";

const OPTIONS: ReaderOptions = {
  formats: ["QRCode", "Code128", "DataMatrix"],
  maxNumberOfSymbols: 6,
  tryHarder: true,
};

type Asked = { wasm: string } | { frame: ImageData };

self.addEventListener("message", (event: MessageEvent<Asked>) => {
  const asked = event.data;
  if ("wasm" in asked) prepareZXingModule({ overrides: { locateFile: () => asked.wasm } });
  else void look(asked.frame);
});

async function look(frame: ImageData): Promise<void> {
  try {
    const found = await readBarcodes(frame, OPTIONS);
    self.postMessage({ texts: found.filter((one) => one.isValid).map((one) => one.text) });
  } catch (error) {
    self.postMessage({ failed: String(error) });
  }
}
