/** What the server said when it would not answer. */
export interface Problem {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly next: string;
  /** The plan that another one has to wait for. */
  readonly plan?: string;
}

/** A request came to nothing; its problem says why. */
export class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

const timeoutMs = 30_000;

/** Asks the gateway. Error: `Refused`, also when it cannot be reached; the signal's reason. */
export async function call<T>(path: string, { method = 'GET', body, signal }: Call = {}): Promise<T> {
  const headers = { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }) };
  const signals = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])];
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body: JSON.stringify(body), cache: 'no-cache', signal: AbortSignal.any(signals) });
  } catch (error) {
    signal?.throwIfAborted();
    throw new Refused(unreachable(error));
  }
  if (!response.ok) throw new Refused(await problemOf(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const unreachable = (error: unknown): Problem => ({
  code: 'no_connection',
  title: 'The gateway does not answer',
  detail: error instanceof Error ? error.message : String(error),
  next: `Check that it runs: curl -s ${location.host}/livez`,
});

export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const said = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>;
  return {
    code: said.code ?? `http_${response.status}`,
    title: said.title ?? `The gateway answered with ${response.status}`,
    detail: said.detail ?? '',
    next: said.next ?? 'Read the log of the gateway.',
    ...(said.plan !== undefined && { plan: said.plan }),
  };
}
