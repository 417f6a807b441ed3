import type { PlanForm as Form } from '../plan-question.ts';
import { latencyFault, targetFields } from '../plan-question.ts';
import type { Deployment } from '../shapes.ts';
import { targetOf } from '../use-deployments.ts';
import { workloadGroups } from '../workload-names.ts';
import { Field } from './field.tsx';

const traffics: readonly (readonly [Form['traffic'], string])[] = [
  ['jobs', 'last 24 h'],
  ['users', 'users'],
  ['workload', 'drawn'],
];

export interface PlanFormProps {
  readonly deployments: readonly Deployment[];
  readonly form: Form;
  readonly setForm: (form: Form) => void;
  readonly busy: boolean;
  readonly ask: () => void;
}

/** The question: whose jobs, which target, at what price. */
export function PlanForm({ deployments, form, setForm, busy, ask }: PlanFormProps) {
  const set =
    (key: keyof Form) =>
    (value: string): void =>
      setForm({ ...form, [key]: value });
  const choose = (name: string): void =>
    setForm({ ...form, deployment: name, ...targetFields(deployments.find((one) => targetOf(one) === name)) });
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) ask();
      }}
    >
      {deployments.length > 0 && (
        <label className="f">
          <span>deployment</span>
          <select value={form.deployment} onChange={(event) => choose(event.target.value)}>
            {deployments.map(targetOf).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <Traffic form={form} set={set('traffic')} hasJobs={deployments.length > 0} />
      <Source form={form} set={set} />
      <div className="row2">
        <Field label="share of the jobs" unit="%" value={form.share} set={set('share')} least={50} most={99.9} />
        <Field label="within" value={form.latency} set={set('latency')} fault={latencyFault} />
      </div>
      <div className="row2">
        <Field label="price of a GPU" unit="$/h" value={form.price} set={set('price')} least={0.0001} most={1000} empty="as set" />
        <Field label="a start takes" unit="s" value={form.start} set={set('start')} least={0} most={3600} empty="as measured" />
      </div>
      <Field label="budget" unit="$/h" value={form.budget} set={set('budget')} least={0.0001} most={100_000} empty="any" />
      <button type="submit" className="btn primary" aria-disabled={busy}>
        {busy ? 'Simulating' : 'Plan'}
      </button>
    </form>
  );
}

function Traffic({ form, set, hasJobs }: { form: Form; set: (value: string) => void; hasJobs: boolean }) {
  return (
    <fieldset>
      <legend className="lab">Traffic</legend>
      <div className="seg">
        {traffics
          .filter(([value]) => hasJobs || value !== 'jobs')
          .map(([value, words]) => (
            <label key={value}>
              <input type="radio" name="traffic" checked={form.traffic === value} onChange={() => set(value)} />
              {words}
            </label>
          ))}
      </div>
    </fieldset>
  );
}

function Source({ form, set }: { form: Form; set: (key: keyof Form) => (value: string) => void }) {
  if (form.traffic === 'jobs') return <p className="hint">The jobs that this deployment answered, at their times.</p>;
  if (form.traffic === 'workload')
    return (
      <label className="f">
        <span>workload</span>
        <select value={form.workload} onChange={(event) => set('workload')(event.target.value)}>
          {[...workloadGroups].map(([group, names]) => (
            <optgroup key={group} label={group}>
              {names.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
    );
  return (
    <>
      <div className="row2">
        <Field label="users" value={form.users} set={set('users')} least={1} most={10_000} whole />
        <Field label="a job on the GPU" unit="s" value={form.gpuSeconds} set={set('gpuSeconds')} least={0.001} most={3600} />
      </div>
      <div className="row2">
        <Field label="pause, least" unit="s" value={form.pauseFrom} set={set('pauseFrom')} least={0} most={86_400} />
        <Field label="pause, longest" unit="s" value={form.pauseTo} set={set('pauseTo')} least={Number(form.pauseFrom)} most={86_400} />
      </div>
    </>
  );
}
