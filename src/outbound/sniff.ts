/** Kinds of files by their first bytes: never trust a name or a header that a client sent. */

const kinds: readonly { extension: string; mime: string; at: number; bytes: string }[] = [
  { extension: 'png', mime: 'image/png', at: 0, bytes: '89504e470d0a1a0a' },
  { extension: 'jpg', mime: 'image/jpeg', at: 0, bytes: 'ffd8ff' },
  { extension: 'gif', mime: 'image/gif', at: 0, bytes: '47494638' },
  { extension: 'webp', mime: 'image/webp', at: 8, bytes: '57454250' },
  { extension: 'bmp', mime: 'image/bmp', at: 0, bytes: '424d' },
  { extension: 'tiff', mime: 'image/tiff', at: 0, bytes: '49492a00' },
  { extension: 'tiff', mime: 'image/tiff', at: 0, bytes: '4d4d002a' },
  { extension: 'avif', mime: 'image/avif', at: 4, bytes: '6674797061766966' },
  { extension: 'mov', mime: 'video/quicktime', at: 4, bytes: '667479707174' },
  { extension: 'mp4', mime: 'video/mp4', at: 4, bytes: '66747970' },
  { extension: 'webm', mime: 'video/webm', at: 0, bytes: '1a45dfa3' },
  { extension: 'avi', mime: 'video/x-msvideo', at: 8, bytes: '41564920' },
  { extension: 'wav', mime: 'audio/wav', at: 8, bytes: '57415645' },
  { extension: 'flac', mime: 'audio/flac', at: 0, bytes: '664c6143' },
  { extension: 'ogg', mime: 'audio/ogg', at: 0, bytes: '4f676753' },
  { extension: 'mp3', mime: 'audio/mpeg', at: 0, bytes: '494433' },
  { extension: 'mp3', mime: 'audio/mpeg', at: 0, bytes: 'fffb' },
];

/** Null when the bytes tell nothing. */
export function sniff(head: Buffer): { extension: string; mime: string } | null {
  const hex = head.subarray(0, 16).toString('hex');
  const found = kinds.find((kind) => hex.startsWith(kind.bytes, kind.at * 2));
  return found ? { extension: found.extension, mime: found.mime } : null;
}
