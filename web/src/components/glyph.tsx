/** A picture of the sprite, for the eye only: text beside it says the same. */
export function Glyph({ id }: { id: string }) {
  return (
    <svg aria-hidden="true">
      <use href={`#${id}`} />
    </svg>
  );
}
