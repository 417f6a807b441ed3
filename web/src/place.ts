/** Where pages are. */

const folder = '/dashboard/deployments/';

export interface Named {
  readonly name: string;
  readonly environment: string;
}

/** As the API takes it: the environment is said unless it is production. */
export const targetOf = ({ name, environment }: Named): string => (environment === 'production' ? name : `${name}@${environment}`);

export const deploymentHref = (deployment: Named): string => folder + encodeURIComponent(targetOf(deployment));

/** The deployment whose page this path is; null: it is the overview's. */
export function deploymentOf(path: string): string | null {
  if (!path.startsWith(folder) || path.length === folder.length) return null;
  try {
    return decodeURIComponent(path.slice(folder.length).replace(/\/$/, ''));
  } catch {
    // No path that this page has made.
    return null;
  }
}
