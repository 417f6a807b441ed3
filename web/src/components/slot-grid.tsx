import { count as counted } from '../format.ts';

/** More boxes than this say nothing more. */
const maxBoxes = 400;

/** Free slots where there are too many to name: a box each. */
export function SlotGrid({ count }: { count: number }) {
  return (
    <div className="slotgrid" role="img" aria-label={counted(count, 'free slot')}>
      {Array.from({ length: Math.min(count, maxBoxes) }, (_, index) => (
        <i key={index} />
      ))}
    </div>
  );
}
