import type { Bus } from './bus.ts';
import type { ContainerRecord } from '../fleet/container.ts';
import type { Json } from '../comfyui/protocol.ts';
import type { ClientMessage } from '../comfyui/runner.ts';
import type { Job, ToldJob, JobEvent, PromptHistory } from '../jobs/job.ts';
import type { DecisionRecord } from '../store/store.ts';
import type { Deployment } from '../deployments/deployment.ts';

/** Data of topic `job:<id>`. `changed` says that the store has a new durable event of the job, so that streams need not poll. */
export type JobBusEvent =
  | { kind: 'changed'; change: JobEvent['type'] }
  | { kind: 'executing'; node: string; classType: string }
  | { kind: 'progress'; node: string; value: number; max: number }
  | { kind: 'preview'; mime: string; image: Buffer; node: string | null };

/** Data of topic `prompts`: what ComfyUI clients hear of their prompts, with the prompt ids and names of files that they know. */
export type PromptBusEvent =
  | { kind: 'message'; job: Job; message: ClientMessage }
  | { kind: 'preview'; job: Job; mime: 'image/jpeg' | 'image/png'; image: Buffer; metadata: Readonly<Record<string, Json>> }
  | { kind: 'text'; job: Job; node: string; text: string }
  /** What the container's history says, just before the job's end on topic `fleet`. */
  | { kind: 'history'; job: Job; history: PromptHistory };

/** Data of topic `fleet`. */
export type FleetBusEvent =
  | { kind: 'container'; container: ContainerRecord; inFlight: number }
  | { kind: 'job'; job: ToldJob; change: JobEvent['type'] }
  | { kind: 'decision'; decision: DecisionRecord }
  /** `before`: what it was; null when it is new. */
  | { kind: 'deployment'; deployment: Deployment; before: Deployment | null };

export const jobTopic = (id: string): string => `job:${id}`;
export const fleetTopic = 'fleet';
export const promptsTopic = 'prompts';

/** Tells both streams of a job about a change that the store has. */
export function publishJob(bus: Bus, job: Job, change: JobEvent['type']): void {
  const forFleet: FleetBusEvent = { kind: 'job', job: withoutGraph(job), change };
  bus.publish(fleetTopic, forFleet);
  const forJob: JobBusEvent = { kind: 'changed', change };
  bus.publish(jobTopic(job.id), forJob);
}

function withoutGraph({ graph: _graph, prompt, ...job }: Job): ToldJob {
  return { ...job, prompt: prompt && { id: prompt.id, clientId: prompt.clientId, outputs: prompt.outputs } };
}
