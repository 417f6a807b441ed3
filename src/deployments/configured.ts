import { readFile } from 'node:fs/promises';
import type { Assets } from '../assets/assets.ts';
import { definitionOf, fileKindOf, inputOf } from '../comfyui/definitions.ts';
import { hashJson, parseGraph } from '../comfyui/graph.ts';
import type { Graph } from '../comfyui/protocol.ts';
import type { Config, DeploymentConfig } from '../config/schema.ts';
import { ComfleetError } from '../errors.ts';
import type { Clock } from '../fleet/clock.ts';
import type { Store } from '../store/store.ts';
import type { Deployment } from './deployment.ts';
import type { Deployments } from './deployments.ts';
import { readWorkflow } from './read-workflow.ts';
import type { Workflow, WorkflowFile } from './workflow.ts';

interface Parts {
  readonly config: Config;
  readonly deployments: Deployments;
  readonly assets: Assets;
  readonly store: Store;
  readonly clock: Clock;
  /** Is a file of ComfyUI's folder there? Null: nobody can tell yet. */
  readonly files: ((path: string) => boolean) | null;
}

/**
 * Brings the deployments in step with the configuration, and chooses a default that can run. The answer is notes for people. Settings that
 * were changed live stay, until those of the file change. Errors: those of reading a workflow, with the file's name.
 */
export async function deployConfigured(parts: Parts): Promise<string[]> {
  for (const configured of parts.config.deployments) await deployOne(parts, configured);
  return chooseDefault(parts);
}

async function deployOne(parts: Parts, configured: DeploymentConfig): Promise<void> {
  const { deployments, store, clock } = parts;
  const { name, environment, scaling, executionTimeoutMs } = configured;
  const workflow = await readConfigured(parts, configured);
  const document = `configured:${name}@${environment}`;
  const settings = hashJson({ scaling, executionTimeoutMs });
  const changed = (await store.document(document)) !== settings;
  await deployments.deploy({ name, environment, workflow, ...(changed ? { scaling, executionTimeoutMs } : {}) });
  if (changed) await store.saveDocument({ name: document, value: settings, at: clock.now() });
}

async function readConfigured({ assets, store, clock, deployments }: Parts, configured: DeploymentConfig): Promise<Workflow> {
  try {
    const graph = parseGraph(await readFile(configured.workflow, 'utf8'));
    const files = await Promise.all(
      Object.entries(configured.files).map(async ([name, path]): Promise<WorkflowFile> => {
        const asset = await assets.put(await readFile(path));
        await store.touchAsset({ id: asset.id, bytes: asset.bytes, kind: 'workflow', at: clock.now() });
        return { name, asset: asset.id };
      }),
    );
    return readWorkflow({ graph, inputs: configured.inputs, outputs: configured.outputs, files }, deployments.definitions());
  } catch (error) {
    // The disk's trouble is no mistake of the configuration.
    if (error instanceof ComfleetError && error.code === 'store_failed') throw error;
    const why = error instanceof Error ? error.message : String(error);
    const details = error instanceof ComfleetError ? error.details : {};
    throw new ComfleetError(
      'invalid_config',
      `deployment ${configured.name}, ${configured.workflow}: ${why}`,
      { ...details },
      { cause: error },
    );
  }
}

/** The configured default, if it can run; else the first deployment of the configuration that can, with a note that says what is missing. */
async function chooseDefault({ config, deployments, files }: Parts): Promise<string[]> {
  const production = config.deployments
    .filter((configured) => configured.environment === 'production')
    .map(({ name }) => deployments.get(name));
  const wanted =
    production.find(({ name }) => config.deployments.some((configured) => configured.default && configured.name === name)) ?? production[0];
  if (!wanted) return [];
  const troubles = (deployment: Deployment): string[] => [
    ...deployment.problems.map(({ message }) => message),
    ...(deployments.definitions() ? [] : missingModels(deployments.revision(deployment).workflow.graph, files)),
  ];
  const missing = troubles(wanted);
  const able = missing.length === 0 ? wanted : production.find((deployment) => troubles(deployment).length === 0);
  const chosen = able ?? wanted;
  if (!chosen.default) await makeDefault(deployments, chosen);
  if (missing.length === 0) return [];
  const instead = able ? `${able.name} answers POST / instead` : 'no deployment can run without it';
  return [`${wanted.name} lacks ${missing.join('; ')}: ${instead}`];
}

async function makeDefault(deployments: Deployments, { name, environment, ...deployment }: Deployment): Promise<void> {
  const { workflow } = deployments.revision({ name, environment, ...deployment });
  await deployments.deploy({ name, environment, workflow, default: true });
}

/** Model files that the graph names and that are not below ComfyUI's folder, where anybody can tell before a container has reported. */
function missingModels(graph: Graph, exists: Parts['files']): string[] {
  if (!exists) return [];
  return Object.values(graph).flatMap((node) =>
    Object.entries(node.inputs).flatMap(([field, value]) => {
      const kind = fileKindOf(node, field, inputOf(definitionOf({}, node.class_type), field));
      const isModel = kind?.folder.startsWith('models/') === true && typeof value === 'string';
      return isModel && !exists(`${kind.folder}/${value}`) ? [`${value} in ${kind.folder}`] : [];
    }),
  );
}
