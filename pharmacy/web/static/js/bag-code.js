// The check of a code of ours, as pharmacy/domain/bag_code.py describes it: 20 characters of
// Crockford's base32, two of prefix, 16 random, two of Reed-Solomon over GF(2)[x]/(x^5+x^2+1).
// With a = x the values c[0..19] satisfy sum c[i] = 0 and sum c[i]*a^i = 0.

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 20;
const STUDIES = 'TH';
const PIECES = '12C';
const FIELD_POLYNOMIAL = 0b100101;

function timesX(value) {
  const doubled = value << 1;
  return doubled & 0b100000 ? doubled ^ FIELD_POLYNOMIAL : doubled;
}

/** Why a scanned text is no code of ours: 'length', 'alphabet', 'check' or 'prefix'; '' if it is. */
export function faultOf(text) {
  const characters = [...text];
  if (characters.length !== LENGTH) return 'length';
  const values = characters.map((character) => ALPHABET.indexOf(character));
  if (values.includes(-1)) return 'alphabet';
  const plain = values.reduce((sum, value) => sum ^ value, 0);
  // Horner's rule from the last character: each step multiplies what there is by a.
  const weighted = values.reduceRight((sum, value) => timesX(sum) ^ value, 0);
  if (plain || weighted) return 'check';
  if (!STUDIES.includes(characters[0]) || !PIECES.includes(characters[1])) return 'prefix';
  return '';
}
