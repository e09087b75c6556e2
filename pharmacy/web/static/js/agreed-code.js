// Believes a code only when two frames of the film say it, one after the other, and nothing else
// was read between them. A frame without any code changes nothing.

import { faultOf } from './bag-code.js';

export const NOTHING = 'nothing';
export const FOREIGN = 'foreign';
export const PASSED_OVER = 'passed over';
export const TWO = 'two';
export const ONCE = 'once';
export const AGREED = 'agreed';

export class AgreedCode {
  #last = '';

  #searching = false;

  /** Whether the next frame is to be searched for several symbols, not only for the first. */
  get wantsAll() {
    return this.#searching;
  }

  /** Forget what was read. */
  forget() {
    this.#last = '';
    this.#searching = false;
  }

  /**
   * Take the texts of one frame; says how it stands, and the code. A code in `passedOver` is known
   * and not meant here.
   */
  take(texts, passedOver = '') {
    if (texts.length === 0) return [NOTHING, ''];
    this.#searching = true;
    const sound = new Set(texts.filter((text) => faultOf(text) === ''));
    const known = sound.delete(passedOver);
    const [code] = sound;
    const before = this.#last;
    this.#last = sound.size === 1 ? code : '';
    if (sound.size > 1) return [TWO, ''];
    if (sound.size === 0) return [known ? PASSED_OVER : FOREIGN, ''];
    return [code === before ? AGREED : ONCE, code];
  }
}
