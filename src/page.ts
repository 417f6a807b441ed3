import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DashboardPage } from './api/context.ts';

/**
 * The dashboard's files: built already in the published package; in a clone they are built in the background, so that the gateway never
 * waits for them. The answer is what is so now.
 */
export function openPage(root: string, log: (line: string) => void): () => DashboardPage {
  const folder = join(root, 'dist', 'web');
  const builder = join(root, 'web', 'build.ts');
  if (!existsSync(builder)) {
    const page: DashboardPage = existsSync(join(folder, 'index.html'))
      ? { state: 'ready', folder }
      : { state: 'failed', reason: `${folder} has no index.html; install the package again` };
    return () => page;
  }
  let page: DashboardPage = { state: 'building' };
  build(builder, folder, log).then(
    () => (page = { state: 'ready', folder }),
    (error: unknown) => (page = { state: 'failed', reason: error instanceof Error ? error.message : String(error) }),
  );
  return () => page;
}

async function build(builder: string, outDir: string, log: (line: string) => void): Promise<void> {
  // A clone without its devDependencies has no Vite; the message then says so.
  const module = (await import(pathToFileURL(builder).href)) as {
    buildPage: (options: { outDir: string; log: (line: string) => void }) => Promise<void>;
  };
  await module.buildPage({ outDir, log });
}
