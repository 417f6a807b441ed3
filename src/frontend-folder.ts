import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ComfleetError } from './errors.ts';

const packageFolder = 'comfyui_frontend_package/static';

/**
 * The files of ComfyUI's page in a folder that somebody named: the files themselves, or where Python's installer has put the package
 * comfyui-frontend-package (`pip install --target FOLDER`, or a virtual environment). Error: `invalid_config`.
 */
export function findFrontend(folder: string): string {
  const library = join(folder, 'lib');
  const versions = existsSync(library) ? readdirSync(library).filter((name) => name.startsWith('python3')) : [];
  const inEnvironment = versions.map((version) => join('lib', version, 'site-packages', packageFolder));
  const places = ['', 'static', packageFolder, ...inEnvironment].map((place) => join(folder, place));
  const found = places.find((place) => existsSync(join(place, 'index.html')));
  if (found) return found;
  throw new ComfleetError(
    'invalid_config',
    `page.folder: ${folder} holds no page of ComfyUI; make it with: pip install --target ${folder} comfyui-frontend-package`,
  );
}
