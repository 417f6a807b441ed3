import type { SlotRow } from '../../../src/telemetry/overview/document.ts';

/** Slots by name, all of them free. */
export function FreeSlots({ slots }: { slots: readonly SlotRow[] }) {
  return (
    <ol className="lanes">
      {slots.map((slot, index) => (
        <li key={slot.id} className={slot.host === slots[index - 1]?.host ? 'lane' : 'lane host'}>
          <span className="place">{`${slot.host} ${slot.device.replace('gpu', '')}`}</span>
          <svg aria-hidden="true">
            <line className="l-base" x1="0" x2="100%" y1="19.5" y2="19.5" />
          </svg>
          <span className="muted">free</span>
        </li>
      ))}
    </ol>
  );
}
