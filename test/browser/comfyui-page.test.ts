import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Program } from '../end-to-end/program.ts';
import { chromiumArgs, chromiumPath } from './chromium.ts';

/** The Python that has ComfyUI's frontend, as its users install it. */
const python = process.env['TEST_PYTHON'];
const lacking = [
  ...(chromiumPath === undefined ? ['no Chromium in /usr/bin'] : []),
  ...(python === undefined ? ['TEST_PYTHON names no Python that has comfyui-frontend-package'] : []),
].join(', ');

const graph = JSON.parse(readFileSync(new URL('../end-to-end/fixtures/draw.json', import.meta.url), 'utf8')) as Record<
  string,
  { inputs: Record<string, unknown> }
>;
// Long enough for its progress to be seen.
graph['5']!.inputs['steps'] = 200;

/** What the saving node shows: width, and the name it was asked for by. ComfyUI's page has its application as a global. */
const shown = `(app.graph._nodes.find(({ type }) => type === 'SaveImage')?.imgs ?? [])
  .filter(({ naturalWidth }) => naturalWidth > 0)
  .map(({ naturalWidth, src }) => [naturalWidth, new URL(src).searchParams.get('filename')])`;

const noPage = lacking !== '';

describe.skipIf(noPage)(`ComfyUI's own page over the fleet${noPage ? ` (skipped: ${lacking})` : ''}`, () => {
  let program: Program;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const installed = execFileSync(python!, ['-c', 'import comfyui_frontend_package as p; print(p.__path__[0])'], { encoding: 'utf8' });
    program = await Program.up({ config: { page: { folder: join(installed.trim(), 'static'), port: 0 } } });
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: chromiumArgs });
    // Wide enough for the whole graph: pictures out of sight are not loaded.
    page = await browser.newPage({ viewport: { width: 2400, height: 900 } });
  });

  afterAll(async () => {
    await browser?.close();
    await program?.remove();
  });

  const run = (): Promise<void> => page.getByRole('button', { name: 'Run', exact: true }).click();

  test('opens from the gateway, on an origin of its own', async () => {
    const { comfyui_page: path } = (await (await fetch(`${program.url}/fleet/v1/overview`)).json()) as { comfyui_page: string };
    await page.goto(program.url + path);
    await page.waitForFunction(`globalThis.LiteGraph?.registered_node_types.KSampler !== undefined`);
    expect(new URL(page.url()).origin).not.toBe(new URL(program.url).origin);
    // Scripts of node packs read nothing of the gateway's own, and find no way in.
    const read = `fetch('${program.url}/fleet/v1/jobs', { credentials: 'include' }).then(() => 'read', () => 'refused')`;
    expect(await page.evaluate(read)).toBe('refused');
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  test('a prompt that is queued there runs on a container, shows its progress, and its picture comes back', async () => {
    // Who has no workflow yet is offered templates.
    await page.locator('.p-dialog-close-button').click();
    await page.evaluate(`app.loadApiJson(${JSON.stringify(graph)}, 'draw')`);
    await run();
    await page.waitForFunction(String.raw`/^\[\d+%\]\[[1-9]\d?%\] KSampler/.test(document.title)`);
    await page.waitForFunction(`${shown}.length > 0`);
    expect(await page.evaluate(shown)).toEqual([[64, 'draw_00001_.png']]);
  });

  test('the next picture is counted on', async () => {
    await run();
    await page.waitForFunction(`${shown}.some(([, name]) => name === 'draw_00002_.png')`);
    const { items } = (await (await fetch(`${program.url}/fleet/v1/jobs`)).json()) as { items: { state: string; source: string }[] };
    expect(items.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
  });
});
