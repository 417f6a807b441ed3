import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildPage } from '../../web/build.ts';
import { chromiumArgs, chromiumPath } from './chromium.ts';
import { busyWorld, manySlots, quietWorld } from './overview-scenes.ts';
import { PageServer, type Answer } from './page-server.ts';

const phone = { width: 390, height: 844 };
const problem = {
  code: 'store_failed',
  title: 'The job could not be stored',
  detail: 'no space left on device',
  next: 'Free disk space in the data folder.',
};

/** What reaches beyond the right edge of its sheet and so is cut off, but for what scrolls by itself. */
const cutOff = `[...document.querySelectorAll('.sheet')].flatMap((sheet) => {
  const edge = sheet.getBoundingClientRect().right + 1;
  return [...sheet.querySelectorAll('*')]
    .filter((one) => one.getBoundingClientRect().right > edge && !one.closest('.scroll, .tableview, pre, svg svg, .now, .uplot'))
    .map((one) => one.tagName + '.' + one.getAttribute('class'));
})`;

/** Numbers that stand on another line than their unit. */
const broken = `(() => {
  const found = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const match of node.data.matchAll(/\\d\\s(%|ms|s|min|h)(?!\\w)/g)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) found.push(match[0] + ' in ' + node.data);
    }
  }
  return found;
})()`;

/** A radio of the theme switch is invisible: its label shows the ring. */
const ringOfFocused = `(() => {
  const focused = document.activeElement;
  return getComputedStyle(focused.matches('.theme input') ? focused.parentElement : focused).outlineStyle;
})()`;

describe.skipIf(!chromiumPath)(`the overview page${chromiumPath ? '' : ' (skipped: no Chromium in /usr/bin)'}`, () => {
  const busy: Answer = { kind: 'document', document: busyWorld().document() };
  const quiet: Answer = { kind: 'document', document: quietWorld().document() };
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
    url = await server.listen();
    complaints = [];
  });
  afterEach(async () => {
    await context.close();
    await server.close();
  });

  async function open(answer: Answer, options: Parameters<Browser['newContext']>[0] = {}): Promise<void> {
    server.answer = answer;
    context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'UTC', reducedMotion: 'reduce', ...options });
    page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('request', (request) => void (request.url().startsWith(url) || complaints.push(`asked for ${request.url()}`)));
    await page.goto(`${url}/dashboard/`);
  }

  const heading = (): Promise<string> => page.locator('h1').innerText();
  /** How far the page can be pushed to the left, in pixels. */
  const sideways = (): Promise<number> => page.evaluate('scrollTo(9999, scrollY), scrollX');

  /** What axe finds wrong, as `rule: where`. */
  async function violations(): Promise<string[]> {
    // The page's own policy forbids scripts from elsewhere, so that axe comes in by the debugger.
    await page.evaluate(await readFile(path.resolve('node_modules/axe-core/axe.min.js'), 'utf8'));
    const found: { id: string; nodes: { target: string[] }[] }[] = await page.evaluate('axe.run().then((result) => result.violations)');
    return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
  }

  it('opens with the verdict, and shows containers, jobs, cost and deployments', async () => {
    await open(busy);
    await page.locator('.figs').waitFor();
    expect(await heading()).toBe('Production keeps its promise: 97.9\u00A0% of 669 jobs came within 6\u00A0s, for $0.183 a minute.');
    expect(await page.locator('.top .tag').innerText()).toBe('emulated containers, a10g-collage');
    expect(await page.locator('.lane svg[role=img]').count()).toBe(10);
    expect(await page.locator('.l-busy').count()).toBeGreaterThan(600);
    expect(await page.locator('.l-failed').count()).toBe(1);
    expect(
      await page
        .getByRole('img', { name: /^669 jobs: median/ })
        .locator('canvas')
        .count(),
    ).toBe(1);
    expect(await page.locator('.table.fold tbody tr').count()).toBe(2);
    expect(await page.locator('.rail a').allInnerTexts()).toEqual([
      expect.stringContaining('Overview'),
      expect.stringContaining('Planner'),
    ]);
    expect(complaints).toEqual([]);
  });

  it('keeps numbers and their units together on phones of any width', async () => {
    await open(busy, { viewport: phone });
    await page.locator('.figs').waitFor();
    for (let width = 320; width <= 440; width += 6) {
      await page.setViewportSize({ ...phone, width });
      expect([width, await page.evaluate(broken)]).toEqual([width, []]);
    }
  });

  it.each(['light', 'dark'] as const)('has no violation that axe finds in %s, wide and on a phone', async (colorScheme) => {
    await open(busy, { colorScheme });
    await page.locator('.figs').waitFor();
    expect(await violations()).toEqual([]);
    await page.setViewportSize(phone);
    expect(await violations()).toEqual([]);
    expect(await sideways()).toBe(0);
    await context.close();
    await open(quiet, { colorScheme });
    await page.locator('.steps').waitFor();
    expect(await violations()).toEqual([]);
    server.answer = { kind: 'problem', status: 503, problem };
    server.tick();
    await page.locator('.verdict.bad').waitFor();
    expect(await violations()).toEqual([]);
  });

  it('does not scroll sideways at any width', async () => {
    await open(busy);
    await page.locator('.figs').waitFor();
    for (const width of [320, 390, 760, 1024, 1440]) {
      await page.setViewportSize({ width, height: 844 });
      expect([width, await sideways(), await page.evaluate(cutOff)]).toEqual([width, 0, []]);
    }
  });

  it('says what to do when nothing has run yet', async () => {
    await open(quiet);
    await page.locator('.steps').waitFor();
    expect(await heading()).toBe('Ready. The first prompt starts the first container.');
    expect(await page.getByRole('region', { name: 'scale example' }).innerText()).toBe('npx comfleet scale collage max_containers=4');
    const curl = await page.getByRole('region', { name: 'curl example' }).innerText();
    expect(curl).toBe(
      `curl -sL ${new URL(url).host}/ -H 'content-type: application/json' \\\n  -d '{"prompt":"a regal phoenix"}' -o phoenix.png`,
    );
    expect(complaints).toEqual([]);
  });

  it('shows its shape while it loads, and after a second what it waits for', async () => {
    await open({ kind: 'silent' });
    await page.getByText(/Still loading: the gateway has taken \d/).waitFor();
    expect(await page.locator('.figs dt').allInnerTexts()).toHaveLength(6);
    expect(await violations()).toEqual([]);
  });

  it('reads the overview again when something happens, at most once a second', async () => {
    await open(quiet);
    await page.locator('.steps').waitFor();
    await expect.poll(() => server.listeners).toBe(1);
    server.answer = busy;
    const before = server.reads;
    const begun = performance.now();
    for (let n = 0; n < 30; n++) {
      server.tick();
      await page.waitForTimeout(40);
    }
    await page.locator('.figs').waitFor();
    const allowed = 1 + Math.ceil((performance.now() - begun) / 1000);
    expect(server.reads - before).toBeLessThanOrEqual(allowed);
  });

  it('says that it is blind when the connection is lost, keeps what it knew, and comes back', async () => {
    await open(busy);
    await page.locator('.figs').waitFor();
    await expect.poll(() => server.listeners).toBe(1);
    server.hangUp();
    await page.locator('.verdict.warn').waitFor();
    expect(await heading()).toMatch(/^This page lost its connection .* ago\. The fleet itself may be well\.$/);
    await page.locator('.live.stale').waitFor();
    expect(await page.locator('.page.greyed .lane').count()).toBeGreaterThan(0);
    server.answer = busy;
    await page.getByRole('button', { name: 'Reconnect now' }).click();
    await page.locator('.verdict.good').waitFor();
    expect(await page.locator('.greyed').count()).toBe(0);
  });

  it('shows the code of a problem, what to do, and the last figures greyed', async () => {
    await open(busy);
    await page.locator('.figs').waitFor();
    server.answer = { kind: 'problem', status: 503, problem };
    await expect.poll(() => server.listeners).toBe(1);
    server.tick();
    await page.locator('.verdict.bad').waitFor();
    expect(await heading()).toBe('The job could not be stored.');
    expect(await page.locator('.verdict p').innerText()).toMatch(
      /^store_failed since .* No space left on device\. Free disk space in the data folder\./,
    );
    expect(await page.locator('.page.greyed').count()).toBe(1);
    server.answer = busy;
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.verdict.good').waitFor();
  });

  it('is worked by keys: theme, pause, help, and a cursor that reads a chart', async () => {
    await open(busy);
    await page.locator('.figs').waitFor();
    const theme = (): Promise<string | undefined> => page.evaluate('document.documentElement.dataset.theme');
    await page.keyboard.press('t');
    expect(await theme()).toBe('light');
    await page.keyboard.press('t');
    expect(await theme()).toBe('dark');
    await page.reload();
    expect(await theme()).toBe('dark');
    await page.locator('.figs').waitFor();
    await page.keyboard.press('p');
    await page.getByText(/^paused, from/).waitFor();
    await expect.poll(() => server.listeners).toBe(0);
    await page.keyboard.press('p');
    await expect.poll(() => server.listeners).toBe(1);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.getByRole('img', { name: /^669 jobs/ }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText(/^14:22:00 j-\w{6}: [\d.]+\ss, succeeded/).waitFor();
  });

  it('shows a ring on each of the first stops of Tab, beginning with the way to the content', async () => {
    await open(busy);
    await page.locator('.figs').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    for (let stop = 0; stop < 12; stop++) {
      await page.keyboard.press('Tab');
      const ring = await page.evaluate(ringOfFocused);
      expect(ring).toBe('solid');
    }
  });

  it('has a table for each chart', async () => {
    await open(busy);
    await page.locator('.figs').waitFor();
    for (const [sheet, rows] of [
      ['Containers on their slots', 10],
      ['Every job', 200],
      ['Cost rate, $/min', 120],
    ] as const) {
      const section = page.getByRole('region', { name: sheet, exact: true });
      await section.getByRole('button', { name: 'Table' }).click();
      expect(await section.locator('.tableview tbody tr').count()).toBe(rows);
    }
    expect(await violations()).toEqual([]);
  });

  it('zooms all charts by a drag, and goes back by a double click', async () => {
    await open(busy);
    await page.locator('.figs').waitFor();
    const note = page.getByRole('region', { name: 'Containers on their slots', exact: true }).locator('.note');
    const whole = await note.innerText();
    const box = (await page.locator('.plot').first().boundingBox())!;
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.2, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.4, y, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => note.innerText()).toMatch(/^14:2[34]:\d\d to 14:2[56]:\d\d;/);
    await page.mouse.dblclick(box.x + box.width * 0.5, y);
    await expect.poll(() => note.innerText()).toBe(whole);
  });

  it('draws a host with very many slots as one line that opens', async () => {
    await open({ kind: 'document', document: manySlots(100).document() });
    expect(await page.getByRole('link', { name: 'ComfyUI' }).getAttribute('href')).toBe('/page/');
    await page.locator('.figs').waitFor();
    expect(await page.locator('.lane svg[role=img]').count()).toBe(1);
    const host = page.getByRole('button', { name: /local/ });
    await host.focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('.lane svg[role=img]').count()).toBe(101);
    expect(await sideways()).toBe(0);
  });
});
