import { useEffect, useRef } from 'react';

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly unit?: string;
  /** Left out: any text. */
  readonly least?: number;
  readonly most?: number;
  readonly whole?: boolean;
  /** What counts when it is left empty; without it the field must be filled in. */
  readonly empty?: string;
  /** Says what is wrong with a text; empty: nothing. */
  readonly fault?: (value: string) => string;
}

/** A labelled input, a number where it has a least one. The browser checks it before anything is sent. */
export function Field({ label, value, set, unit, least, most, whole = false, empty, fault }: FieldProps) {
  const number = least !== undefined && { type: 'number', min: least, max: most, step: whole ? 1 : 'any' };
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.setCustomValidity(fault?.(value) ?? ''), [fault, value]);
  return (
    <label className="f">
      <span>{label}</span>
      <span className="unit">
        <input
          {...number}
          ref={input}
          value={value}
          placeholder={empty}
          required={empty === undefined}
          onChange={(event) => set(event.target.value)}
        />
        {unit !== undefined && <i>{unit}</i>}
      </span>
    </label>
  );
}
