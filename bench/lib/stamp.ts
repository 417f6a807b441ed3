/** Milliseconds by the one clock that all processes of this machine share. */
export const stamp = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A picture's last bytes tell when its container sent it. */
const stampBytes = 8;

export function stampPicture(picture: Buffer): void {
  picture.writeDoubleBE(stamp(), picture.length - stampBytes);
}

export const stampOf = (frame: Buffer): number => frame.readDoubleBE(frame.length - stampBytes);
