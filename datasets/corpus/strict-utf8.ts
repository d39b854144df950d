/** Text of the bytes, or where the first byte stands that is not UTF-8. */
export type DecodedText =
  | { readonly valid: true; readonly text: string }
  | { readonly valid: false; readonly badByte: number; readonly replaced: string };

/** Decodes UTF-8 and never replaces a bad byte in silence, as `Buffer.toString` does. */
export function decodeUtf8(bytes: Uint8Array): DecodedText {
  try {
    return { valid: true, text: strictDecoder.decode(bytes) };
  } catch {
    return {
      valid: false,
      badByte: firstBadByte(bytes),
      replaced: new TextDecoder().decode(bytes),
    };
  }
}

/** Start of the first sequence that is not UTF-8. */
function firstBadByte(bytes: Uint8Array): number {
  const end = longestPrefix(bytes);
  // The sequence may begin up to three bytes before the byte that breaks it.
  const back = [0, 1, 2, 3].find((count) => isGoodPrefix(bytes.subarray(0, end - count), false));
  return end - (back ?? 0);
}

/** Bisects: a prefix is good when a decoder that still waits for more bytes accepts it. */
function longestPrefix(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isGoodPrefix(bytes.subarray(0, middle), true)) good = middle;
    else bad = middle;
  }
  return good;
}

function isGoodPrefix(bytes: Uint8Array, stream: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream });
    return true;
  } catch {
    return false;
  }
}

// ignoreBOM: the mark of the file is dropped elsewhere; inside a field U+FEFF is text.
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
