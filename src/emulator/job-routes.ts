import type { Container } from './container.ts';
import { answerJson } from './http.ts';
import { jobOf, listJobs, readJobQuery, type PromptList } from '../comfyui/prompt-list.ts';
import type { PromptQueue } from './queue.ts';
import type { Handler, Routes } from './router.ts';

const listOf = ({ running, pending, history }: PromptQueue): PromptList => ({ running: running ? [running] : [], pending, history });

const list: Handler<Container> = ({ queue }, { query, response }) => {
  const wanted = readJobQuery(query);
  if (typeof wanted === 'string') return answerJson(response, { error: wanted }, 400);
  const { jobs, total, more } = listJobs(listOf(queue), wanted);
  const { offset, limit } = wanted;
  return answerJson(response, { jobs, pagination: { offset, limit, total, has_more: more } });
};

const one: Handler<Container> = ({ queue }, { parameters: [id = ''], response }) => {
  const job = jobOf(listOf(queue), id);
  return job ? answerJson(response, job) : answerJson(response, { error: 'Job not found' }, 404);
};

/** What ComfyUI 0.12 adds; these stand under /api alone. */
export const jobRoutes: Routes<Container> = {
  '/api/jobs': { GET: list },
  '/api/jobs/*': { GET: one },
};
