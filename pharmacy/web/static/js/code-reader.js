// Reads QR codes and Data Matrices out of a picture, with the vendored zxing-wasm. The same engine
// reads every printed label back before it leaves the pharmacy's printer.

import { prepareZXingModule, readBarcodes } from '../vendor/zxing/reader/index.js';

// Named here, since the package would otherwise fetch it from a public network.
const WASM = new URL('../vendor/zxing/zxing_reader.wasm', import.meta.url).href;
const OPTIONS = {
  formats: ['QRCode', 'DataMatrix'],
  tryHarder: true,
  tryInvert: false,
  textMode: 'Plain',
};
const SEVERAL = 4;

/** Load the engine; rejects when it cannot be had. */
export async function prepare() {
  await prepareZXingModule({ overrides: { locateFile: () => WASM }, fireImmediately: true });
}

/**
 * The texts found in an ImageData: the first one, or up to four where `several`. `denoise` helps
 * with faint print and takes longer where nothing is found.
 */
export async function textsIn(picture, { several, denoise }) {
  const found = await readBarcodes(picture, {
    ...OPTIONS,
    maxNumberOfSymbols: several ? SEVERAL : 1,
    tryDenoise: denoise,
  });
  return found.filter((symbol) => symbol.isValid).map((symbol) => symbol.text);
}
