import { useEffect, useRef } from 'react';

const keys: readonly (readonly [string, string])[] = [
  ['1', 'overview'],
  ['5', 'planner'],
  ['p', 'pause and go on'],
  ['t', 'next theme: system, light, dark'],
  ['?', 'this help'],
  ['← →', 'in a chart: move the cursor, values are read'],
  ['Esc', 'in a chart: back to the whole window'],
];

export interface HelpProps {
  readonly open: boolean;
  readonly close: () => void;
  readonly keysOn: boolean;
  readonly setKeysOn: (on: boolean) => void;
}

export function Help({ open, close, keysOn, setKeysOn }: HelpProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog className="help" ref={dialog} onClose={close} aria-labelledby="help-title">
      <header>
        <h2 id="help-title">Keys</h2>
        <button type="button" className="btn small" onClick={close}>
          Close
        </button>
      </header>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key} style={{ display: 'contents' }}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label>
        <input type="checkbox" checked={keysOn} onChange={(event) => setKeysOn(event.target.checked)} />
        Single-letter keys are on
      </label>
    </dialog>
  );
}
