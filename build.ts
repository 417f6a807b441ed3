import { cpSync, readdirSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage } from './web/build.ts';

/**
 * `npm run build`, also before `npm pack`: what the published package runs. `dist/src` is `src` as JavaScript with its data files beside
 * it, since Node runs no TypeScript below node_modules; `dist/web` is the page.
 */
const root = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(root, 'dist');

rmSync(path.join(dist, 'src'), { recursive: true, force: true });
const tsc = [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', path.join(root, 'tsconfig.build.json')];
if (spawnSync(process.execPath, tsc, { stdio: 'inherit' }).status !== 0) process.exit(1);
for (const file of readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (file.endsWith('.json')) cpSync(path.join(root, 'src', file), path.join(dist, 'src', file));
}
await buildPage({ outDir: path.join(dist, 'web'), log: (line) => process.stdout.write(`${line}\n`) });
