import { loadConfig, type Loaded } from '../config/load.ts';
import type { Flags } from '../config/sources.ts';
import { flagsOf, settingOptions } from './flags.ts';
import { bannerText, type BannerInfo } from './banner.ts';
import type { ExitCode } from './failure.ts';
import type { RunningApp, Signals, StartApp } from './machine.ts';
import { count, palette, StatusLine, type Terminal } from './terminal.ts';
import type { VerbSpec } from './verb.ts';

/** `comfleet up`: everything on this machine, until Ctrl-C. */
export const upVerb: VerbSpec = {
  name: 'up',
  summary: 'start gateway, dashboard and containers on this machine, until Ctrl-C',
  examples: ['up', 'up --comfyui ~/ComfyUI --port 9000', 'up --comfyui http://gpu-box:8188 --comfyui http://gpu-box-2:8188'],
  remote: false,
  options: settingOptions,
  run: ({ terminal, options, json, startApp, signals }) => up(terminal, { flags: flagsOf(options), json, startApp, signals }),
};

export interface UpOptions {
  readonly flags: Flags;
  readonly json: boolean;
  readonly startApp: StartApp;
  readonly signals: Signals;
  readonly load?: (source: Parameters<typeof loadConfig>[0]) => Loaded;
}

/** How often the line about running jobs is drawn again, milliseconds. */
const redrawMs = 250;

export async function up(terminal: Terminal, { flags, json, startApp, signals, load = loadConfig }: UpOptions): Promise<ExitCode> {
  const { config, notes } = load({ flags, env: terminal.env, cwd: terminal.cwd });
  const asked = stopRequests(signals);
  try {
    const app = await startApp(config, { log: (line) => terminal.err.write(`${line}\n`) });
    const banner = { ...app.banner, notes: [...notes, ...app.banner.notes] };
    terminal.out.write(json ? `${JSON.stringify(readyLine(banner))}\n` : bannerText(banner, palette(terminal.out, terminal.env)));
    await Promise.race([app.closed, asked.first]);
    if (asked.count() > 0) await shutDown(terminal, app, asked.second);
    await app.closed;
    return 0;
  } finally {
    asked.end();
  }
}

/** What programs read when the gateway is ready. */
function readyLine(banner: BannerInfo): Record<string, unknown> {
  return {
    url: banner.url,
    dashboard: banner.dashboard,
    comfyui_page: banner.comfyuiPage,
    pid: process.pid,
    runtime: banner.runtime.name,
    deployments: banner.deployments.map(({ name, default: isDefault, problems }) => ({ name, default: isDefault, problems })),
    data_dir: banner.dataDir,
    notes: banner.notes,
  };
}

/** The first request to stop drains, the second one does not wait. */
function stopRequests(signals: Signals): { first: Promise<void>; second: Promise<void>; count: () => number; end: () => void } {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let count = 0;
  const end = signals(() => {
    count += 1;
    (count === 1 ? first : second).resolve();
  });
  return { first: first.promise, second: second.promise, count: () => count, end };
}

async function shutDown(terminal: Terminal, app: RunningApp, second: Promise<void>): Promise<void> {
  const status = new StatusLine(terminal.err, true);
  const describe = (): string => {
    const jobs = app.runningJobs();
    return `${jobs > 0 ? `waiting for ${count(jobs, 'job')}` : 'stopping the containers'}, Ctrl-C again to stop at once`;
  };
  if (terminal.err.isTTY !== true) terminal.err.write(`${describe()}\n`);
  status.show(describe());
  const redraw = setInterval(() => status.show(describe()), redrawMs);
  try {
    const drained = app.drain().then(() => 'drained' as const);
    const outcome = await Promise.race([drained, second.then(() => 'hurried' as const)]);
    if (outcome === 'hurried') {
      status.clear();
      terminal.err.write('stopping at once\n');
      await app.stopNow();
    }
  } finally {
    clearInterval(redraw);
    status.clear();
  }
}
