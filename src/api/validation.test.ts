import { afterEach, beforeEach, expect, test } from 'vitest';
import { createApiWorld, type ApiWorld } from '../../test/support/api.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await createApiWorld();
});
afterEach(() => world.app.close());

const detail = async (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: unknown): Promise<string> => {
  const body = payload === undefined ? {} : { payload: JSON.stringify(payload), headers: { 'content-type': 'application/json' } };
  const response = await world.app.inject({ method, url, ...body });
  expect(response.json()).toMatchObject({ status: 400, code: 'invalid_parameter' });
  return response.json().detail;
};

test.each<[unknown, string]>([
  [undefined, 'the body: is missing; it must be an object'],
  [[], 'the body: must be an object, not a list'],
  ['x', 'the body: must be an object, not "x"'],
  [{ workflow: {} }, 'workflow: is not a known key; known are deployment, inputs, graph, priority, deadline, webhook'],
  [{ piority: 1, nonsense: 2 }, 'piority: is not a known key; did you mean priority?; nonsense: is not a known key; known are'],
  [{ graph: 'x' }, 'graph: must be an object, not "x"'],
  [{ inputs: 5 }, 'inputs: must be an object, not 5'],
  [{ priority: 'high' }, 'priority: must be a number, not "high"'],
  [{ priority: 1.5 }, 'priority: must be a whole number, not 1.5'],
  [{ priority: 101 }, 'priority: must be at most 100, not 101'],
  [{ priority: -101 }, 'priority: must be at least -100, not -101'],
  [{ deployment: 7 }, 'deployment: must be a text, not 7'],
  [{ deadline: true }, 'deadline: must be a time like 2030-01-31T12:00:00Z, or seconds from now'],
  [{ webhook: {} }, 'webhook: must be a text, not an object'],
  [{ inputs: {}, graph: {} }, 'inputs, graph: send inputs for the deployment, or a graph of your own, not both'],
])('a job from %j', async (body, words) => {
  expect(await detail('POST', '/fleet/v1/jobs', body)).toContain(words);
});

test.each<[string, string]>([
  ['/fleet/v1/jobs?limit=0', 'limit: must be a whole number from 1 to 1000'],
  ['/fleet/v1/jobs?limit=x', 'limit: must be a whole number from 1 to 1000'],
  ['/fleet/v1/jobs?limit=1&limit=2', 'limit: must be a whole number from 1 to 1000'],
  ['/fleet/v1/jobs?state=lost', 'state: must be one of queued, running, succeeded, failed, canceled, expired, not "lost"'],
  ['/fleet/v1/jobs?stat=queued', 'stat: is not a known key; did you mean state?'],
  ['/fleet/v1/containers?all=true', 'all: is not a known key'],
  ['/fleet/v1/containers?alive=perhaps', 'alive: must be true or false'],
  ['/fleet/v1/containers?cursor=x', 'cursor: must be the next of the page before'],
  ['/fleet/v1/decisions?cursor=x', 'cursor: must be the next of the page before'],
  ['/fleet/v1/deployments?cursor=x', 'cursor: must be the next of the page before'],
  ['/fleet/v1/usage?from=yesterday', 'from: must be a time like 2030-01-31T12:00:00Z'],
  ['/fleet/v1/jobs/x/result?wait=long', 'wait: must be a number of seconds, 0 or more'],
  ['/fleet/v1/jobs/x/outputs/first', 'index: must be a whole number from 0'],
])('%s', async (url, words) => {
  expect(await detail('GET', url)).toContain(words);
});

test.each<[string, unknown, string]>([
  ['/fleet/v1/keys', {}, 'name: is missing; it must be a text'],
  ['/fleet/v1/keys', { name: '' }, 'name: must have at least 1 letter'],
  ['/fleet/v1/keys', { name: 'x'.repeat(101) }, 'name: must have at most 100 letters'],
  ['/fleet/v1/keys', { name: 'x', role: 'owner' }, 'role: must be one of admin, invoke, not "owner"'],
  ['/fleet/v1/deployments', { name: 'Bad Name', graph: {} }, 'name: must be lower-case letters, digits and dashes'],
  ['/fleet/v1/deployments', { name: 'x' }, 'graph: is missing; it must be an object'],
  ['/fleet/v1/deployments', { name: 'x', graph: [] }, 'graph: must be an object, not a list'],
  ['/fleet/v1/containers/x/stop', { force: 'yes' }, 'force: must be true or false, not "yes"'],
])('POST %s with %j', async (url, body, words) => {
  expect(await detail('POST', url, body)).toContain(words);
});

test('each complaint stands by its path in `errors`', async () => {
  const payload = { priority: 101, inputs: 5 };
  const response = await world.app.inject({ method: 'POST', url: '/fleet/v1/jobs', payload });
  expect(response.json().errors).toEqual([
    { path: 'inputs', message: 'must be an object, not 5' },
    { path: 'priority', message: 'must be at most 100, not 101' },
  ]);
});
