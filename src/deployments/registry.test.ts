import { beforeEach, describe, expect, it } from 'vitest';
import { textToImage } from '../../test/protocol/emulated-world.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import type { Graph } from '../comfyui/protocol.ts';
import { definitionsFor, usualModels } from '../emulator/definitions.ts';
import { defaultScaling } from '../fleet/scaling/settings.ts';
import { createMemoryStore } from '../store/memory.ts';
import { readWorkflow } from './read-workflow.ts';
import { createDeployments } from './registry.ts';

const definitions = definitionsFor(usualModels);
const without = definitionsFor({ ...usualModels, checkpoints: [] });
const workflowOf = (seed: number, text = 'x') => {
  const graph = textToImage({ seed }) as Graph;
  graph['6']!.inputs['text'] = text;
  return readWorkflow({ graph, inputs: null, outputs: null, files: [] }, null);
};

let store: ReturnType<typeof createMemoryStore>;
let clock: VirtualClock;
const open = async () => {
  const deployments = createDeployments({ store, clock, workspace: 'default' });
  await deployments.load();
  return deployments;
};
let deployments: Awaited<ReturnType<typeof open>>;

beforeEach(async () => {
  store = createMemoryStore();
  clock = new VirtualClock();
  deployments = await open();
});

describe('deployments', () => {
  it('begins with none, and says so', () => {
    expect(deployments.list()).toEqual([]);
    expect(() => deployments.get(null)).toThrow(
      expect.objectContaining({ code: 'unknown_deployment', message: 'There is no default deployment in "production"; there are none.' }),
    );
  });

  it('creates deployments; the first is the default until another takes its place', async () => {
    const one = await deployments.deploy({ name: 'one', workflow: workflowOf(1) });
    expect(one).toMatchObject({
      name: 'one',
      environment: 'production',
      workspace: 'default',
      default: true,
      scaling: defaultScaling,
      executionTimeoutMs: 600_000,
      problems: [],
    });
    await deployments.deploy({ name: 'two', workflow: workflowOf(2), scaling: { minContainers: 1 }, executionTimeoutMs: 5_000 });
    expect(deployments.get(null).name).toBe('one');
    const changed: string[] = [];
    deployments.subscribe((deployment) => changed.push(`${deployment.name} ${deployment.default}`));
    await deployments.deploy({ name: 'two', workflow: workflowOf(2), default: true });
    expect(changed).toEqual(['two true', 'one false']);
    expect(deployments.get(null)).toMatchObject({ name: 'two', scaling: { minContainers: 1 }, executionTimeoutMs: 5_000 });
    expect(() => deployments.get('three')).toThrow(/no deployment "three" in "production"; there are: one, two/);
  });

  it('gives a new revision to a new workflow only', async () => {
    const first = await deployments.deploy({ name: 'one', workflow: workflowOf(1) });
    await clock.runFor(1000);
    expect(await deployments.deploy({ name: 'one', workflow: workflowOf(1) })).toBe(first);
    const second = await deployments.deploy({ name: 'one', workflow: workflowOf(2) });
    expect(second.revision).not.toBe(first.revision);
    expect((await deployments.deploy({ name: 'one', workflow: workflowOf(1) })).revision).toBe(first.revision);
    expect((await deployments.deploy({ name: 'two', workflow: workflowOf(1) })).revision).not.toBe(first.revision);
    expect((await deployments.deploy({ name: 'one', environment: 'staging', workflow: workflowOf(1) })).revision).not.toBe(first.revision);
    expect(deployments.revision(second).workflow.graph['3']?.inputs['seed']).toBe(2);
  });

  it('is there again after a restart', async () => {
    await deployments.learnDefinitions(definitions);
    await deployments.deploy({ name: 'one', workflow: workflowOf(1) });
    await deployments.deploy({ name: 'two', workflow: workflowOf(2), default: true });
    const again = await open();
    expect(again.list()).toEqual(deployments.list());
    expect(again.definitions()).toEqual(definitions);
    expect(again.revision(again.get('one'))).toEqual(deployments.revision(deployments.get('one')));
  });

  it('changes scaling live, within the rules', async () => {
    await deployments.deploy({ name: 'one', workflow: workflowOf(1) });
    expect((await deployments.scale('one', 'production', { maxInputs: 4, targetInputs: 2 })).scaling).toEqual({
      ...defaultScaling,
      maxInputs: 4,
      targetInputs: 2,
    });
    await expect(deployments.scale('one', 'production', { targetInputs: 5 })).rejects.toMatchObject({ code: 'invalid_parameter' });
    await expect(deployments.scale('one', 'production', { minContainers: 3, maxContainers: 2 })).rejects.toMatchObject({
      code: 'invalid_parameter',
    });
    await expect(deployments.scale('nobody', 'production', {})).rejects.toMatchObject({ code: 'unknown_deployment' });
    expect((await open()).get('one').scaling).toMatchObject({ maxInputs: 4, targetInputs: 2, minContainers: 0 });
  });

  it('refuses names that no URL can hold', async () => {
    for (const name of ['', 'a/b', '..', 'a b', 'x'.repeat(64)]) {
      await expect(deployments.deploy({ name, workflow: workflowOf(1) })).rejects.toMatchObject({ code: 'invalid_parameter' });
    }
  });

  it('changes nothing when the store fails, and goes on', async () => {
    const broken = createDeployments({
      store: { ...store, saveDeployment: () => Promise.reject(new Error('disk full')) },
      clock,
      workspace: 'default',
    });
    await expect(broken.deploy({ name: 'one', workflow: workflowOf(1) })).rejects.toThrow('disk full');
    expect(broken.list()).toEqual([]);
    await expect(broken.deploy({ name: 'one', workflow: workflowOf(1) })).rejects.toThrow('disk full');
  });

  it('takes changes at once one after the other', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => deployments.deploy({ name, workflow: workflowOf(1), default: true })));
    expect(
      deployments
        .list()
        .filter((one) => one.default)
        .map(({ name }) => name),
    ).toEqual(['c']);
  });
});

describe('definitions', () => {
  it('show what a deployment lacks, and that it is there later', async () => {
    await deployments.deploy({ name: 'one', workflow: workflowOf(1) });
    expect(deployments.get('one').problems).toEqual([]);
    const changed: number[] = [];
    const leave = deployments.subscribe(({ problems }) => changed.push(problems.length));
    await deployments.learnDefinitions(without);
    expect(deployments.get('one').problems).toMatchObject([{ code: 'missing_file', node: '4' }]);
    await deployments.learnDefinitions(without);
    await deployments.learnDefinitions(definitions);
    expect(changed).toEqual([1, 0]);
    leave();
    await deployments.learnDefinitions(without);
    expect(changed).toEqual([1, 0]);
  });

  it('that are older than a file in its place do not make it missing', async () => {
    await deployments.learnDefinitions(without);
    const asked: string[] = [];
    const later = createDeployments({ store, clock, workspace: 'default', files: (path) => asked.push(path) > 0 });
    await later.load();
    expect((await later.deploy({ name: 'one', workflow: workflowOf(1) })).problems).toEqual([]);
    expect(asked).toEqual([expect.stringMatching(/^models\/checkpoints\//)]);
  });

  it('add ranges to the inputs of workflows that were read without them', async () => {
    const deployment = await deployments.deploy({ name: 'one', workflow: workflowOf(1) });
    const steps = () => deployments.revision(deployment).workflow.inputs.find(({ name }) => name === 'steps');
    expect(steps()).not.toHaveProperty('max');
    await deployments.learnDefinitions(definitions);
    expect(steps()).toMatchObject({ min: 1, max: 10_000 });
    expect((await store.revision(deployment.revision))?.workflow.inputs).toEqual(workflowOf(1).inputs);
  });

  it('do not miss a picture that every caller has to give', async () => {
    await deployments.learnDefinitions(definitions);
    const graph: Graph = {
      '1': { class_type: 'LoadImage', inputs: { image: 'sample.png' } },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
    };
    const deploy = (required: boolean) =>
      deployments.deploy({
        name: 'one',
        workflow: readWorkflow({ graph, inputs: { image: { target: ['1.image'], required } }, outputs: null, files: [] }, definitions),
      });
    expect((await deploy(true)).problems).toEqual([]);
    expect((await deploy(false)).problems).toMatchObject([{ code: 'missing_file' }]);
  });
});
