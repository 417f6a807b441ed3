/** A grey bar where text or a chart will be. `width` in percent. */
export function Bone({ width, height = 12 }: { width: number; height?: number }) {
  return <span className="skel line" style={{ width: `${width}%`, height }} />;
}
