import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseScaling } from '../../src/config/scaling.ts';
import { buildPage } from '../../web/build.ts';
import { createApiWorld, listen, type ApiWorld } from '../support/api.ts';
import { chromiumArgs, chromiumPath } from './chromium.ts';
import { quietWorld } from './overview-scenes.ts';

const phone = { width: 390, height: 844 };
const minute = 60_000;

/** The page over the real API, which makes real plans. */
describe.skipIf(!chromiumPath)(`the planner page${chromiumPath ? '' : ' (skipped: no Chromium in /usr/bin)'}`, () => {
  let outDir: string;
  let browser: Browser;
  let world: ApiWorld;
  let url: string;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    outDir = path.join(await mkdtemp(path.join(tmpdir(), 'comfleet-planner-')), 'web');
    await buildPage({ outDir, log: () => undefined });
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: chromiumArgs });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(path.dirname(outDir), { recursive: true, force: true });
  });
  beforeEach(async () => {
    const document = quietWorld().document();
    world = await createApiWorld({
      config: { gpus: { A10G: { usdPerHour: 1.1 } } },
      change: () => ({ overview: () => document, dashboard: () => ({ state: 'ready', folder: outDir }) }),
    });
    url = `http://127.0.0.1:${await listen(world.app)}`;
    complaints = [];
  });
  afterEach(async () => {
    await context?.close();
    await world.app.close();
  });

  async function open(options: Parameters<Browser['newContext']>[0] = {}, address = '/dashboard/planner'): Promise<void> {
    context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options });
    page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => void (request.url().startsWith(url) || complaints.push(`asked for ${request.url()}`)));
    await page.goto(url + address);
  }

  const heading = (): Promise<string> => page.locator('h1').innerText();
  const plan = (): Promise<void> => page.getByRole('button', { name: 'Plan', exact: true }).click();

  /** Asks for two users, who are simulated in a moment, and waits for the answer. */
  async function planForUsers(): Promise<void> {
    await page.getByRole('radio', { name: 'users' }).check();
    await page.getByLabel('users', { exact: true }).last().fill('2');
    await page.getByLabel('within').fill('8s');
    await plan();
    await page.locator('.verdict.good').waitFor();
  }

  /** Jobs that the deployment answered, a minute apart. */
  async function answer(name: string, jobs: number): Promise<void> {
    for (let number = 0; number < jobs; number++) {
      const payload = { prompt: 'x' };
      const job = await world.app.inject({ method: 'POST', url: `/d/${name}/`, payload, headers: { prefer: 'respond-async' } });
      await world.finish(job.json<{ id: string }>().id);
      await world.clock.runFor(minute);
    }
  }

  /** Asks for a plan for the deployment's own jobs, with a target that they keep. */
  async function planForJobs(name: string, within = '30s'): Promise<void> {
    await page.getByLabel('deployment').selectOption(name);
    await page.getByLabel('within').fill(within);
    await page.getByLabel('a start takes').fill('3');
    await plan();
    await page.locator('.verdict.good, .verdict.warn').waitFor();
  }

  async function violations(): Promise<string[]> {
    // The page's own policy forbids scripts from elsewhere, so that axe comes in by the debugger.
    await page.evaluate(await readFile(path.resolve('node_modules/axe-core/axe.min.js'), 'utf8'));
    const found: { id: string; nodes: { target: string[] }[] }[] = await page.evaluate('axe.run().then((result) => result.violations)');
    return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
  }

  it('plans for the jobs of the last day: what to do, what it costs, what others cost', async () => {
    await answer('collage', 24);
    await open();
    await page.getByLabel('share of the jobs').waitFor();
    expect(await heading()).toBe('Which settings keep your latency target for the least money?');
    expect(await page.getByLabel('share of the jobs').inputValue()).toBe('95');
    expect(await page.getByLabel('within').inputValue()).toBe('6s');
    await page.getByLabel('within').fill('30s');
    await page.getByLabel('a start takes').fill('3');
    await page.getByLabel('price of a GPU').fill('2');
    await plan();
    await page.locator('.verdict.good').waitFor();
    expect(await heading()).toMatch(
      /^.+ is the cheapest of \d+ settings that meets p95=30s: \$\d\.\d\d\/h, p50 \d+\.\d\ss, p95 \d+\.\d\ss \(simulated\)\.$/,
    );
    expect(await page.locator('.verdict p').innerText()).toMatch(/Lower bound, .*: \$\d\.\d\d\/h; recommended is \d\.\d\d x that\./);
    const table = page.getByRole('table', { name: 'Choices, simulated' });
    expect(await table.locator('tr.on').count()).toBe(1);
    expect(await table.getByRole('row', { name: /^Knative concurrency/ }).innerText()).toMatch(/\t\d+\.\d\d\t\d+\.\d\d\t/);
    expect(await page.locator('.plan-chart .ring').count()).toBe(1);
    expect(await page.locator('.plan-chart .bound').getAttribute('d')).toMatch(/^M[\d.]+ [\d.]+L/);
    expect(await page.locator('.plan-chart').innerText()).toContain('target: p95 30 s');
    expect(page.url()).toMatch(/\/dashboard\/planner\?plan=./);
    expect(complaints).toEqual([]);
  });

  it('applies a plan to the deployment that it was made for, whatever the form says since', async () => {
    await world.deployments.scale('portrait', 'production', parseScaling({ buffer_containers: 2, max_containers: 0 }));
    await answer('portrait', 24);
    await open();
    await planForJobs('portrait');
    const address = page.url();
    const changed = page.getByText('This plan was made for portrait: 95 % of the jobs within 30 s. The form has changed since');
    expect(await changed.count()).toBe(0);
    await page.getByLabel('deployment').selectOption('collage');
    await changed.waitFor();
    expect(await page.getByRole('button', { name: /^Apply/ }).allInnerTexts()).toEqual(['Apply to portrait…']);
    // The address alone shows the plan again, and fills in the form for which it was made.
    await page.goto(address);
    await page.locator('.verdict.good').waitFor();
    await expect.poll(() => page.getByLabel('deployment').inputValue()).toBe('portrait');
    expect(await page.getByLabel('within').inputValue()).toBe('30s');
    expect(await page.getByLabel('a start takes').inputValue()).toBe('3');
    expect(await page.getByRole('radio', { name: 'last 24 h' }).isChecked()).toBe(true);
    expect(await changed.count()).toBe(0);
    const change = page.getByRole('region', { name: 'If you apply' });
    expect(await change.getByRole('row', { name: /^buffer_containers/ }).innerText()).toMatch(/\t2\t0$/);
    expect(await change.innerText()).toContain('portrait may have 0 (max_containers)');

    const before = [world.deployments.get('collage').scaling, world.deployments.get('portrait').scaling];
    await page.getByRole('button', { name: 'Apply to portrait…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Apply to portrait?' });
    expect(await dialog.getByRole('row', { name: /^slo\.latency/ }).innerText()).toMatch(/\t6s\t30s$/);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(world.deployments.get('portrait').scaling).toEqual(before[1]);
    await page.getByRole('button', { name: 'Apply to portrait…' }).click();
    await dialog.getByRole('button', { name: 'Apply', exact: true }).click();
    await page.getByText('Applied to portrait. Its containers follow from now on.').waitFor();
    expect(world.deployments.get('portrait').scaling).toMatchObject({ bufferContainers: 0, maxContainers: 0, slo: { latencyMs: 30_000 } });
    expect(world.deployments.get('collage').scaling).toEqual(before[0]);
    await page.getByText('portrait has these settings already.').waitFor();
    expect(complaints).toEqual([]);
  });

  it('asks to which deployment the plan of no deployment goes, and picks none', async () => {
    await open();
    await planForUsers();
    expect(await page.getByRole('region', { name: 'If you apply' }).count()).toBe(0);
    await page.reload();
    await page.locator('.verdict.good').waitFor();
    await expect.poll(() => page.getByLabel('users', { exact: true }).last().inputValue()).toBe('2');
    await page.getByRole('button', { name: 'Apply to a deployment…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Apply to which deployment?' });
    const write = dialog.getByRole('button', { name: 'Apply', exact: true });
    expect(await write.getAttribute('aria-disabled')).toBe('true');
    expect(await dialog.getByRole('table').count()).toBe(0);
    await dialog.getByLabel('This plan was made for 2 users').selectOption('collage@staging');
    expect(await dialog.getByRole('row', { name: /^slo\.latency/ }).innerText()).toMatch(/\t6s\t8s$/);
    await write.click();
    await page.getByText('Applied to collage@staging. Its containers follow from now on.').waitFor();
    expect(world.deployments.get('collage', 'staging').scaling.slo.latencyMs).toBe(8_000);
    expect(world.deployments.get('collage').scaling.slo.latencyMs).toBe(6_000);
    expect(complaints).toEqual([]);
  });

  it('does not call a plan by a handful of jobs good, nor offers to apply it', async () => {
    await answer('collage', 3);
    await open();
    await planForJobs('collage');
    expect(await page.locator('.verdict.warn').count()).toBe(1);
    expect(await heading()).toMatch(/^Made from 3 jobs/);
    expect(
      await page
        .locator('.plan-chart, .plan-table')
        .getByText(/recommended/i)
        .count(),
    ).toBe(0);
    expect(await page.locator('tr.on').innerText()).toContain(', cheapest in time');
    expect(await page.getByRole('button', { name: /^Apply/ }).count()).toBe(0);
    expect(await page.getByRole('region', { name: 'If you apply' }).count()).toBe(0);
  });

  it('stops a plan that is being made', async () => {
    await open();
    await page.getByRole('radio', { name: 'users' }).check();
    await page.getByLabel('users', { exact: true }).last().fill('300');
    await plan();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('heading', { name: 'Stopped.' }).waitFor();
    const id = new URL(page.url()).searchParams.get('plan') ?? '';
    const { state } = (await world.app.inject(`/fleet/v1/plans/${id}`)).json<{ state: string }>();
    expect(state).toBe('cancelled');
    await page.reload();
    await page.getByRole('heading', { name: 'Stopped.' }).waitFor();
    await page.getByRole('radio', { name: 'users' }).check();
    await page.getByLabel('users', { exact: true }).last().fill('2');
    await page.getByLabel('within').fill('8s');
    await page.getByRole('button', { name: 'Plan again' }).click();
    await page.locator('.verdict.good').waitFor();
    expect(complaints).toEqual([]);
  });

  it.each([
    ['a start takes', '1e9'],
    ['price of a GPU', '1e308'],
    ['within', '25h'],
    ['within', 'soon'],
    ['budget', '0'],
  ])('sends no %s of %s', async (label, value) => {
    await open();
    await page.getByRole('radio', { name: 'users' }).check();
    await page.getByLabel(label).fill(value);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await plan();
    expect(await page.evaluate('document.activeElement.matches("input:invalid")')).toBe(true);
    expect(await page.evaluate('document.activeElement.validationMessage')).not.toBe('');
    expect(asked.filter((one) => one.includes('/plans'))).toEqual([]);
  });

  it('says what was refused, and what to do', async () => {
    await open();
    await plan();
    await page.locator('.verdict.bad').waitFor();
    expect(await page.locator('.verdict p').innerText()).toMatch(
      /^Deployment: no job came to collage in the last 24\sh; give a.*\. .* invalid_parameter$/,
    );
    await page.getByRole('radio', { name: 'users' }).check();
    await page.getByLabel('within').fill('1s');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('impossible_target').waitFor();
    // What the browser can check is not sent.
    await page.getByLabel('share of the jobs').fill('30');
    await plan();
    expect(await page.evaluate('document.activeElement.matches("input:invalid")')).toBe(true);
    expect(await page.getByText('impossible_target').count()).toBe(1);
  });

  it('shows that nothing meets the target, and offers nothing to apply', async () => {
    await open();
    await page.getByRole('radio', { name: 'users' }).check();
    await page.getByLabel('users', { exact: true }).last().fill('2');
    await page.getByLabel('budget').fill('0.01');
    await plan();
    await page.locator('.verdict.warn').waitFor();
    expect(await heading()).toMatch(/^No setting costs as little as \$0\.01\/h/);
    expect(await page.getByRole('button', { name: /^Apply/ }).count()).toBe(0);
  });

  it('follows the other plan when one is being made already', async () => {
    await open();
    const closed_loop = { users: 30, pause_seconds: [1, 5], service_seconds: [3.5], seconds: 7_200 };
    const other = await world.app.inject({ method: 'POST', url: '/fleet/v1/plans', payload: { closed_loop } });
    expect(other.statusCode).toBe(202);
    await page.getByRole('radio', { name: 'users' }).check();
    await plan();
    await page.getByText('Another plan is being made.').waitFor();
    await page.getByRole('button', { name: 'Show that plan' }).click();
    const bar = page.getByRole('progressbar', { name: 'Simulations' });
    await bar.waitFor();
    expect(await page.getByRole('button', { name: 'Simulating' }).getAttribute('aria-disabled')).toBe('true');
    expect(page.url()).toContain(other.json<{ id: string }>().id);
    await expect.poll(() => bar.getAttribute('value').then(Number)).toBeGreaterThan(0);
    // Who goes elsewhere waits no longer.
    await page.getByRole('link', { name: 'Overview', exact: true }).click();
    await page.locator('.steps').waitFor();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.waitForTimeout(700);
    expect(asked.filter((one) => one.includes('/plans/'))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('says so when the gateway is gone, or what is deployed cannot be read', async () => {
    await open();
    await page.getByRole('radio', { name: 'users' }).check();
    await page.route('**/fleet/v1/plans', (route) => route.abort());
    await plan();
    await page.getByText('The gateway does not answer.').waitFor();
    await page.unroute('**/fleet/v1/plans');
    await page.route('**/fleet/v1/deployments*', (route) => route.abort());
    await page.reload();
    await page.getByText('The gateway does not answer.').waitFor();
    await page.unroute('**/fleet/v1/deployments*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Plan', exact: true }).waitFor();
  });

  it('is reached by link, key and address, and plans drawn workloads where nothing is deployed', async () => {
    world.deployments.items.splice(0);
    await open({}, '/dashboard/');
    await page.getByRole('link', { name: 'Planner' }).click();
    await page.getByLabel('workload').selectOption('stragglers');
    expect(await page.getByRole('radio').filter({ visible: true }).count()).toBe(5);
    expect(await page.title()).toBe('Planner - comfleet');
    await page.goBack();
    await page.locator('.verdict h1').waitFor();
    expect(await page.title()).toBe('Overview - comfleet');
    await page.keyboard.press('5');
    await page.getByLabel('workload').waitFor();
    expect(new URL(page.url()).pathname).toBe('/dashboard/planner');
  });

  it('names every peer on the chart, wide and on a phone', async () => {
    await open();
    await planForUsers();
    const drawn = await page.locator('.plan-chart .mark.others').count();
    expect(drawn).toBeGreaterThan(4);
    const names = /^(Modal|Knative|Kube|KEDA|Ray|RunPod|per-input|flash|concurrency|hpa|keda|ongoing|request-count|queue-delay)/;
    for (const width of [1440, 375]) {
      await page.setViewportSize({ ...phone, width });
      await expect.poll(() => page.locator('.plan-chart text').filter({ hasText: names }).count()).toBe(drawn);
    }
  });

  it('has a chart that arrow keys walk along', async () => {
    await open();
    await planForUsers();
    await page.locator('.plan-chart').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.chartfoot .reading').innerText()).toMatch(/^.+: \$\d+\.\d\d\/h, p95 \d+\.\d\ss$/);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.chartfoot .reading').innerText()).toMatch(/^x: p95 in seconds/);
  });

  it.each(['light', 'dark'] as const)(
    'has no violation that axe finds in %s, wide and on a phone, and stays in its width',
    async (colorScheme) => {
      await open({ colorScheme });
      await page.getByRole('button', { name: 'Plan', exact: true }).waitFor();
      expect(await violations()).toEqual([]);
      await planForUsers();
      expect(await violations()).toEqual([]);
      for (const width of [320, phone.width, 760, 1024, 1440]) {
        await page.setViewportSize({ ...phone, width });
        expect([width, await page.evaluate('scrollTo(9999, scrollY), scrollX')]).toEqual([width, 0]);
      }
      await page.setViewportSize(phone);
      expect(await violations()).toEqual([]);
      await page.getByLabel('within').fill('9s');
      await page.getByText('This plan was made for 2 users').waitFor();
      await page.getByRole('button', { name: 'Apply to a deployment…' }).click();
      expect(await violations()).toEqual([]);
    },
  );
});
