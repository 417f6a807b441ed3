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
  readonly pattern?: string;
}

/** A labelled input, a number where it has a least one. The browser checks it before anything is sent. */
export function Field({ label, value, set, unit, least, most, whole = false, empty, pattern }: FieldProps) {
  const number = least !== undefined && { type: 'number', min: least, max: most, step: whole ? 1 : 'any' };
  return (
    <label className="f">
      <span>{label}</span>
      <span className="unit">
        <input
          {...number}
          value={value}
          pattern={pattern}
          placeholder={empty}
          required={empty === undefined}
          onChange={(event) => set(event.target.value)}
        />
        {unit !== undefined && <i>{unit}</i>}
      </span>
    </label>
  );
}
