import type { OverviewDocument } from '../../../src/telemetry/overview/document.ts';

/** Says what kind of containers these figures come from: what is emulated is called so wherever it is shown. */
export function RuntimeTag({ runtime }: { runtime: OverviewDocument['runtime'] }) {
  if (!runtime.emulated) return <span className="tag">{runtime.name === 'remote' ? 'remote ComfyUI servers' : 'ComfyUI processes'}</span>;
  const profile = runtime.profile === null ? '' : `, ${runtime.profile}`;
  return (
    <span className="tag" title="No GPU does this work: containers are emulated, with the times of the profile">
      emulated containers{profile}
    </span>
  );
}
