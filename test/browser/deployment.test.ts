import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ShadowDocument, ShadowResult, ShadowRun } from '../../src/shadow/document.ts';
import { buildPage } from '../../web/build.ts';
import { chromiumArgs, chromiumPath } from './chromium.ts';
import { busyWorld } from './overview-scenes.ts';
import { PageServer, type Answer } from './page-server.ts';

const hour = 3_600_000;
const now = Date.now();
const time = (at: number): string => new Date(at).toISOString();

const run = (name: string, label: string, attainment: number, usd: number, peak: number): ShadowRun => ({
  name,
  label,
  attainment,
  meets: attainment >= 0.95,
  p95_s: 4 + 20 * (1 - attainment),
  gpu_seconds: (usd / 1.1) * 3600 * 24,
  usd_per_hour: usd,
  peak_containers: peak,
});

const sentence =
  'Policy slo would have met p95 of 6 s (97 % of the jobs) for $1.20 a day instead of $3.10 a day (simulated on the last 24 h).';
const result: ShadowResult = {
  at: time(now - 120_000),
  window: { from: time(now - 24 * hour), to: time(now), jobs: 1_234 },
  slo: { p: 0.95, latency_s: 6 },
  timing: { start_s: 15.5, outside_s: 0.9, load_s: 2.5 },
  price_usd_per_hour: 1.1,
  measured: { jobs: 1_230, attainment: 0.978, gpu_seconds: 10_000, usd_per_hour: 0.131 },
  runs: [
    run('now', 'per-input as it is', 0.98, 0.129, 9),
    run('slo', 'slo', 0.97, 0.05, 6),
    run('per-input-5m', 'per-input, scaledown_window=5m', 0.991, 0.26, 8),
    run('concurrency', 'concurrency', 0.93, 0.15, 11),
    run('fixed', 'fixed, min_containers=3', 0.96, 3.3, 3),
    run('fast-starts', 'slo, if starts took 3 s', 0.99, 0.04, 6),
  ],
  best: 'slo',
  bound: { gpu_seconds: 2_800, usd_per_hour: 0.0357, ratio: 3.61 },
  bound_note: null,
  sentence,
};
const ready: ShadowDocument = {
  deployment: 'collage',
  environment: 'production',
  state: 'ready',
  note: null,
  next_at: time(now + 180_000),
  result,
};
const told = (change: Partial<ShadowDocument> = {}): Answer => ({ kind: 'document', document: { ...ready, ...change } });
const none = (state: ShadowDocument['state'], note: string): Answer => told({ state, note, result: null });
const problem = { code: 'forbidden', title: 'This key may not do that', detail: 'It has the role invoke.', next: 'Use a key of an admin.' };

describe.skipIf(!chromiumPath)(`the page of a deployment${chromiumPath ? '' : ' (skipped: no Chromium in /usr/bin)'}`, () => {
  const busy: Answer = { kind: 'document', document: busyWorld().document() };
  let outDir: string;
  let browser: Browser;
  let server: PageServer;
  let url: string;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    outDir = path.join(await mkdtemp(path.join(tmpdir(), 'comfleet-page-')), 'web');
    await buildPage({ outDir, log: () => undefined });
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: chromiumArgs });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(path.dirname(outDir), { recursive: true, force: true });
  });
  beforeEach(async () => {
    server = new PageServer(outDir);
    server.answer = busy;
    url = await server.listen();
    complaints = [];
  });
  afterEach(async () => {
    await context.close();
    await server.close();
  });

  async function open(shadow: Answer, options: Parameters<Browser['newContext']>[0] = {}, place = 'deployments/collage'): Promise<void> {
    server.shadow = shadow;
    context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'UTC', reducedMotion: 'reduce', ...options });
    page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => void (request.url().startsWith(url) || complaints.push(`asked for ${request.url()}`)));
    await page.goto(`${url}/dashboard/${place}`);
  }

  const card = () => page.getByRole('region', { name: 'Other settings' });
  const words = async (selector: string): Promise<string> => (await card().locator(selector).innerText()).replaceAll('\u00A0', ' ');

  async function violations(): Promise<string[]> {
    // The page's own policy forbids scripts from elsewhere, so that axe comes in by the debugger.
    await page.evaluate(await readFile(path.resolve('node_modules/axe-core/axe.min.js'), 'utf8'));
    const found: { id: string; nodes: { target: string[] }[] }[] = await page.evaluate('axe.run().then((result) => result.violations)');
    return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
  }

  it('is reached from the overview by keys, says what to change, and proves it', async () => {
    await open(told(), {}, '');
    const link = page.getByRole('link', { name: 'collage' });
    await link.focus();
    await page.keyboard.press('Enter');
    await card().locator('.figs').waitFor();
    expect(await page.title()).toBe('collage - comfleet');
    expect(await page.locator('h1').innerText()).toBe('collage');
    expect(await page.locator('.rail a[aria-current=page]').innerText()).toBe('collage');
    expect(await words('.lead')).toBe(sentence);
    expect(await card().locator('header .tag').innerText()).toBe('simulated');
    expect(await words('header .note')).toMatch(/^replayed 2 min ago, next at \d\d:\d\d$/);
    const figures = (await card().locator('.figs .v').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
    expect(figures).toEqual(['97.8 %', '98.0 %', '$0.13 /h', '3.61 x']);
    expect(await card().locator('tbody tr').count()).toBe(6);
    expect(await card().locator('tbody tr', { hasText: 'cheapest that keeps it' }).locator('td').first().innerText()).toContain('slo');
    expect(await words('p.note')).toContain('1,234 jobs');
    expect(complaints).toEqual([]);
    await page.keyboard.press('1');
    await page.waitForURL(`${url}/dashboard/`);
  });

  it.each(['light', 'dark'] as const)('has no violation that axe finds in %s, wide and on a phone', async (colorScheme) => {
    await open(told(), { colorScheme });
    await card().locator('.figs').waitFor();
    expect(await violations()).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await violations()).toEqual([]);
    await context.close();
    await open(none('waiting', '3 jobs came lately, and a replay needs at least 20'), { colorScheme });
    await card().locator('.lead').waitFor();
    expect(await violations()).toEqual([]);
    await context.close();
    await open({ kind: 'problem', status: 403, problem }, { colorScheme });
    await card().locator('.trouble').waitFor();
    expect(await violations()).toEqual([]);
    await context.close();
    await open(told({ state: 'failed', note: 'the last replay came to nothing: it took longer than 600 s' }), { colorScheme });
    await card().locator('.warn').waitFor();
    expect(await violations()).toEqual([]);
  });

  it('does not scroll sideways at any width', async () => {
    await open(told());
    await card().locator('.figs').waitFor();
    for (const width of [320, 390, 760, 1024, 1440]) {
      await page.setViewportSize({ width, height: 844 });
      expect([width, await page.evaluate('scrollTo(9999, scrollY), scrollX')]).toEqual([width, 0]);
    }
  });

  it('says why there is no result', async () => {
    await open(none('waiting', '3 jobs came lately, and a replay needs at least 20'));
    await expect.poll(() => words('.lead')).toMatch(/^No result yet: 3 jobs came lately, .* 20\. The next replay begins at \d\d:\d\d\.$/);
    await context.close();
    await open(told({ state: 'off', note: 'shadow.every is off in the configuration', next_at: null, result: null }));
    await expect.poll(() => words('.lead')).toBe('No replays: shadow.every is off in the configuration.');
  });

  it('keeps the last result under what failed, greyed', async () => {
    await open(told({ state: 'failed', note: 'the last replay came to nothing: it took longer than 600 s' }));
    await expect
      .poll(() => words('.warn'))
      .toMatch(/^The last replay came to nothing: it took longer than 600 s\. Below is what was true at/);
    expect(await card().locator('.greyed .figs').count()).toBe(1);
  });

  it('shows its shape while it loads, a problem with what to do, and tries again', async () => {
    await open({ kind: 'silent' });
    await page.getByText('Reading what other settings').waitFor({ state: 'attached' });
    expect(await card().getAttribute('aria-busy')).toBe('true');
    await context.close();
    await open({ kind: 'problem', status: 403, problem });
    await expect
      .poll(() => words('.trouble p'))
      .toMatch(/This key may not do that\. forbidden It has the role invoke\. Use a key of an admin\./);
    server.shadow = told();
    await page.getByRole('button', { name: 'Try again' }).click();
    await card().locator('.figs').waitFor();
    expect(await card().locator('.trouble').count()).toBe(0);
  });

  it('without a price counts containers, and says where there is no bound', async () => {
    const free = { ...result, price_usd_per_hour: null, bound: null, bound_note: 'no policy can meet the target' };
    await open(told({ result: { ...free, measured: { ...result.measured, usd_per_hour: null } } }));
    await card().locator('.figs').waitFor();
    expect(await card().locator('.figs').innerText()).toContain('no price set');
    expect(await card().locator('thead').innerText()).toContain('container-hours');
    expect(await words('p.note')).toContain('No lower bound: no policy can meet the target.');
  });
});
