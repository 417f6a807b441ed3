import { checkGraph } from '../comfyui/check-graph.ts';
import { definitionOf, fileKindOf, inputOf } from '../comfyui/definitions.ts';
import { hashJson } from '../comfyui/graph.ts';
import type { NodeDefinitions } from '../comfyui/protocol.ts';
import type { Catalogue } from '../comfyui/runner.ts';
import { upgradePolicySettings } from '../config/policy-settings.ts';
import { checkScaling, refusal } from '../config/scaling.ts';
import { ComfleetError } from '../errors.ts';
import type { Clock } from '../fleet/clock.ts';
import { defaultScaling, type ScalingSettings } from '../fleet/scaling/settings.ts';
import type { Store } from '../store/store.ts';
import type { Deployment, DeploymentProblem, Revision } from './deployment.ts';
import type { Deployments } from './deployments.ts';
import { refineWorkflow } from './describe-input.ts';
import type { Workflow } from './workflow.ts';

export interface DeploymentsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly workspace: string;
  /** Is a file of ComfyUI's folder there now? Null: nobody can tell from here. */
  readonly files?: ((path: string) => boolean) | null;
}

/** Name of the stored document with the definitions that containers reported last. */
const definitionsDocument = 'node_definitions';
const catalogueDocument = 'catalogue';
const production = 'production';
const defaultExecutionTimeoutMs = 600_000;

/** The deployments of a workspace. Call `load` once before anything else. */
export function createDeployments(options: DeploymentsOptions): Deployments & { load(): Promise<void> } {
  return new Registry(options);
}

class Registry implements Deployments {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #workspace: string;
  readonly #files: ((path: string) => boolean) | null;
  readonly #deployments = new Map<string, Deployment>();
  /** As stored, by id. */
  readonly #revisions = new Map<string, Revision>();
  /** With what the definitions add, made when first asked for. */
  readonly #refined = new Map<string, Revision>();
  readonly #listeners = new Set<(deployment: Deployment) => void>();
  #definitions: NodeDefinitions | null = null;
  #definitionsText = '';
  #catalogue: Catalogue | null = null;
  /** Changes run one after the other, so that each sees what the one before has stored. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ store, clock, workspace, files = null }: DeploymentsOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#workspace = workspace;
    this.#files = files;
  }

  async load(): Promise<void> {
    this.#definitions = (await this.#store.document(definitionsDocument)) as NodeDefinitions | null;
    this.#definitionsText = JSON.stringify(this.#definitions);
    this.#catalogue = (await this.#store.document(catalogueDocument)) as Catalogue | null;
    for (const deployment of await this.#store.deployments()) {
      if (deployment.workspace !== this.#workspace) continue;
      const revision = await this.#store.revision(deployment.revision);
      if (!revision) throw new Error(`deployment ${deployment.name} names revision ${deployment.revision}, which the store has not`);
      this.#revisions.set(revision.id, revision);
      const scaling = upgradePolicySettings(deployment.scaling);
      this.#deployments.set(keyOf(deployment.environment, deployment.name), { ...deployment, scaling });
    }
  }

  list(): readonly Deployment[] {
    return [...this.#deployments.values()].sort((a, b) => (keyOf(a.name, a.environment) < keyOf(b.name, b.environment) ? -1 : 1));
  }

  get(name: string | null, environment = production): Deployment {
    const all = [...this.#deployments.values()].filter((one) => one.environment === environment);
    const found = name === null ? all.find((one) => one.default) : this.#deployments.get(keyOf(environment, name));
    if (found) return found;
    const names = all.length === 0 ? 'there are none' : `there are: ${all.map((one) => one.name).join(', ')}`;
    const which = name === null ? 'no default deployment' : `no deployment ${JSON.stringify(name.slice(0, 100))}`;
    throw new ComfleetError('unknown_deployment', `There is ${which} in ${JSON.stringify(environment.slice(0, 100))}; ${names}.`);
  }

  revision(deployment: Deployment): Revision {
    const known = this.#refined.get(deployment.revision);
    if (known) return known;
    const stored = this.#revisions.get(deployment.revision) as Revision;
    const refined = this.#definitions ? { ...stored, workflow: refineWorkflow(stored.workflow, this.#definitions) } : stored;
    this.#refined.set(stored.id, refined);
    return refined;
  }

  deploy(input: Parameters<Deployments['deploy']>[0]): Promise<Deployment> {
    return this.#inTurn(async () => {
      const { name, environment = production, workflow } = input;
      checkName(name);
      const before = this.#deployments.get(keyOf(environment, name));
      const revision = this.#revisionOf(name, environment, workflow);
      const scaling = checked({ ...(before?.scaling ?? defaultScaling), ...input.scaling });
      const hasDefault = this.list().some((one) => one.environment === environment && one.default);
      const now = this.#clock.now();
      const deployment: Deployment = {
        name,
        environment,
        workspace: this.#workspace,
        default: input.default === true || (before?.default ?? !hasDefault),
        revision: revision.id,
        scaling,
        executionTimeoutMs: input.executionTimeoutMs ?? before?.executionTimeoutMs ?? defaultExecutionTimeoutMs,
        problems: this.#problemsOf(workflow),
        createdAt: before?.createdAt ?? now,
        updatedAt: now,
      };
      if (before && hashJson({ ...before, updatedAt: now }) === hashJson(deployment)) return before;
      await this.#store.saveDeployment({ deployment, revision });
      this.#revisions.set(revision.id, revision);
      this.#take(deployment);
      return deployment;
    });
  }

  scale(name: string, environment: string, change: Partial<ScalingSettings>): Promise<Deployment> {
    return this.#inTurn(async () => {
      const before = this.get(name, environment);
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      const deployment = { ...before, scaling: checked({ ...before.scaling, ...given }), updatedAt: this.#clock.now() };
      await this.#store.saveDeployment({ deployment, revision: null });
      this.#take(deployment);
      return deployment;
    });
  }

  definitions(): NodeDefinitions | null {
    return this.#definitions;
  }

  learnDefinitions(definitions: NodeDefinitions): Promise<void> {
    return this.#inTurn(async () => {
      const text = JSON.stringify(definitions);
      if (text === this.#definitionsText) return;
      await this.#store.saveDocument({ name: definitionsDocument, value: definitions, at: this.#clock.now() });
      this.#definitions = definitions;
      this.#definitionsText = text;
      this.#refined.clear();
      for (const before of this.list()) {
        const { workflow } = this.#revisions.get(before.revision) as Revision;
        const problems = this.#problemsOf(workflow);
        if (hashJson(problems) === hashJson(before.problems)) continue;
        const deployment = { ...before, problems, updatedAt: this.#clock.now() };
        await this.#store.saveDeployment({ deployment, revision: null });
        this.#take(deployment);
      }
    });
  }

  catalogue(): Catalogue | null {
    return this.#catalogue;
  }

  async learnCatalogue(catalogue: Catalogue): Promise<void> {
    this.#catalogue = catalogue;
    await this.#store.saveDocument({ name: catalogueDocument, value: catalogue, at: this.#clock.now() });
  }

  subscribe(listener: (deployment: Deployment) => void): () => void {
    const entry = (deployment: Deployment): void => listener(deployment);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Addressed by content: the same workflow for the same deployment is the same revision, also after a detour over another. */
  #revisionOf(deployment: string, environment: string, workflow: Workflow): Revision {
    const workspace = this.#workspace;
    const id = `rev-${hashJson({ workspace, environment, deployment, version: workflow.version }).slice(0, 24)}`;
    const known = this.#revisions.get(id);
    return known ?? { id, deployment, environment, workspace, workflow, release: 'local', createdAt: this.#clock.now() };
  }

  #problemsOf(workflow: Workflow): DeploymentProblem[] {
    if (!this.#definitions) return [];
    const supplied = new Set(workflow.files.map(({ name }) => name));
    for (const name of this.#inPlace(workflow)) supplied.add(name);
    // What every caller has to give need not be there beforehand.
    for (const input of workflow.inputs) {
      const isFile = input.type === 'image' || input.type === 'file';
      if (isFile && input.required && typeof input.default === 'string') supplied.add(input.default);
    }
    return checkGraph(workflow.graph, this.#definitions, supplied);
  }

  /** Files that are there, though the definitions may be older than they are. */
  #inPlace({ graph }: Workflow): string[] {
    const files = this.#files;
    if (!files) return [];
    return Object.values(graph).flatMap((node) =>
      Object.entries(node.inputs).flatMap(([field, value]) => {
        const kind = fileKindOf(node, field, inputOf(definitionOf(this.#definitions ?? {}, node.class_type), field));
        return kind && typeof value === 'string' && files(`${kind.folder}/${value}`) ? [value] : [];
      }),
    );
  }

  #take(deployment: Deployment): void {
    const changed = [deployment];
    this.#deployments.set(keyOf(deployment.environment, deployment.name), deployment);
    for (const other of deployment.default ? this.list() : []) {
      if (!other.default || other.environment !== deployment.environment || other.name === deployment.name) continue;
      const without = { ...other, default: false };
      this.#deployments.set(keyOf(other.environment, other.name), without);
      changed.push(without);
    }
    for (const one of changed) for (const listener of this.#listeners) listener(one);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

const keyOf = (environment: string, name: string): string => `${environment}/${name}`;

function checkName(name: string): void {
  if (/^[A-Za-z0-9][\w.-]{0,62}$/.test(name)) return;
  throw new ComfleetError(
    'invalid_parameter',
    `"${name}" cannot name a deployment: use letters, digits, dots, dashes and underscores, 63 at most.`,
  );
}

function checked(settings: ScalingSettings): ScalingSettings {
  const problems = checkScaling(settings);
  if (problems.length === 0) return settings;
  throw refusal(problems);
}
