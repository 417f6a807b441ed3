/** A font of our own, 5 x 7 dots: capitals, digits and some signs; one base-32 digit for each row, top first. */
const glyphs: Readonly<Record<string, string>> = {
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'uhhhhhu',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhf',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hpljhhh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhha4',
  W: 'hhhllrh',
  X: 'hha4ahh',
  Y: 'hha4444',
  Z: 'v1248gv',
  '0': 'ehjlphe',
  '1': '4c4444e',
  '2': 'eh168gv',
  '3': 'v2421he',
  '4': '26aiv22',
  '5': 'vgu11he',
  '6': '68guhhe',
  '7': 'v124888',
  '8': 'ehhehhe',
  '9': 'ehhf12c',
  '.': '00000cc',
  ',': '0000c48',
  '!': '4444404',
  '?': 'eh16404',
  '-': '000v000',
  "'": 'c480000',
  ':': '0cc0cc0',
  '(': '2488842',
  ')': '8422248',
  '/': '01248g0',
};

export const advance = 6;
export const lineHeight = 7;

/** Calls `dot` for each dot of the text, at dot coordinates from (0, 0). Signs without a glyph leave a gap. */
export function eachDot(text: string, dot: (x: number, y: number) => void): void {
  for (let i = 0; i < text.length; i++) {
    const glyph = glyphs[text.charAt(i).toUpperCase()];
    if (glyph === undefined) continue;
    for (let y = 0; y < lineHeight; y++) {
      const row = Number.parseInt(glyph.charAt(y), 32);
      for (let x = 0; x < 5; x++) if (row & (16 >> x)) dot(i * advance + x, y);
    }
  }
}
