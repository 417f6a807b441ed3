import type { Json } from '../../comfyui/protocol.ts';
import type { ClientMessage } from '../../comfyui/runner.ts';
import type { ToldJob, PromptHistory } from '../../jobs/job.ts';
import type { Preview } from './frames.ts';
import { lastMessage, shownHistory } from './shown-history.ts';

/** A message that a client must not miss. */
export interface Entry {
  readonly message: string;
  heard: boolean;
}

/** What one prompt's client must have heard, until it has. */
export interface Journal {
  job: ToldJob;
  /** Null: it has not ended. */
  endedAt: number | null;
  /** The node that runs now. */
  node: string | null;
  history: PromptHistory | null;
  entries: Entry[];
  /** Nodes whose output was told. */
  executed: Set<string>;
  /** A picture for those who want it behind its step, while containers send it before. */
  picture: Preview | null;
}

const unsaid = (): Omit<Journal, 'job' | 'endedAt'> => ({ node: null, history: null, entries: [], executed: new Set(), picture: null });

export const newJournal = (job: ToldJob): Journal => ({ job, endedAt: null, ...unsaid() });

/** The container was lost: what was heard of this try counts for nothing. */
export const beginAgain = (journal: Journal): Journal => Object.assign(journal, unsaid());

/** A prompt that was cancelled before it ever ran leaves no trace, as in ComfyUI. */
export const leavesNoTrace = ({ state, attempts }: ToldJob): boolean => state === 'canceled' && attempts === 0;

/**
 * The messages that end a prompt: outputs that no message told of (it was lost, or nobody listened, as after a restart), how it ended, and
 * the `executing` without a node that ComfyUI's clients wait for. History is there when they go out.
 */
export function endOf({ job, history: said, executed }: Pick<Journal, 'job' | 'history' | 'executed'>): {
  before: ClientMessage[];
  last: ClientMessage;
} {
  const { id: prompt_id = '', outputs: asked = [] } = job.prompt ?? {};
  const history = shownHistory(job, said);
  const untold = Object.entries(history.outputs).flatMap(([node, output]): ClientMessage[] => {
    const meta = history.meta[node] as { display_node?: Json } | undefined;
    const display = typeof meta?.display_node === 'string' ? meta.display_node : node;
    if (output === null || executed.has(node) || !asked.includes(display)) return [];
    return [{ type: 'executed', data: { node, display_node: display, output, prompt_id } }];
  });
  const [type, data] = lastMessage(history) ?? ['execution_success', { prompt_id }];
  return { before: [...untold, { type, data }], last: { type: 'executing', data: { node: null, prompt_id } } };
}
