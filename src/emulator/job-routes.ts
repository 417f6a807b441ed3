import type { Container } from './container.ts';
import { answerJson } from './http.ts';
import { jobOf, jobStatuses, listJobs } from './jobs.ts';
import type { JobQuery } from './jobs.ts';
import type { Handler, Routes } from './router.ts';

const known: readonly string[] = jobStatuses;

/** A whole number of a query; null: it is not there. A text: what is wrong with it. */
function wholeNumber(query: URLSearchParams, name: string): number | null | string {
  const value = query.get(name);
  if (value === null || value === '') return null;
  return /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : `${name} must be an integer`;
}

/** What is asked for, or what is wrong with it. */
function readQuery(query: URLSearchParams): JobQuery | string {
  const statuses = (query.get('status') ?? '').split(',').flatMap((status) => status.trim().toLowerCase() || []);
  const bad = statuses.filter((status) => !known.includes(status));
  if (bad.length > 0) return `Invalid status value(s): ${bad.join(', ')}. Valid values: ${known.join(', ')}`;
  const sortBy = query.get('sort_by') ?? 'created_at';
  if (sortBy !== 'created_at' && sortBy !== 'execution_duration') return "sort_by must be 'created_at' or 'execution_duration'";
  const order = query.get('sort_order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') return "sort_order must be 'asc' or 'desc'";
  const limit = wholeNumber(query, 'limit');
  if (typeof limit === 'string') return limit;
  if (limit !== null && limit < 1) return 'limit must be a positive integer';
  const offset = wholeNumber(query, 'offset');
  if (typeof offset === 'string') return offset;
  return {
    statuses: statuses.length === 0 ? null : statuses,
    workflowId: query.get('workflow_id'),
    byDuration: sortBy === 'execution_duration',
    ascending: order === 'asc',
    limit,
    offset: Math.max(0, offset ?? 0),
  };
}

const list: Handler<Container> = ({ queue }, { query, response }) => {
  const wanted = readQuery(query);
  if (typeof wanted === 'string') return answerJson(response, { error: wanted }, 400);
  const { jobs, total, more } = listJobs(queue, wanted);
  const { offset, limit } = wanted;
  return answerJson(response, { jobs, pagination: { offset, limit, total, has_more: more } });
};

const one: Handler<Container> = ({ queue }, { parameters: [id = ''], response }) => {
  const job = jobOf(queue, id);
  return job ? answerJson(response, job) : answerJson(response, { error: 'Job not found' }, 404);
};

/** What ComfyUI 0.12 adds; these stand under /api alone. */
export const jobRoutes: Routes<Container> = {
  '/api/jobs': { GET: list },
  '/api/jobs/*': { GET: one },
};
