import type { ErrorCode } from '../errors.ts';
import type { ExecutionError } from './messages.ts';
import { fileReference, type HistoryEntry, type Json, type PromptRefusal } from './protocol.ts';
import type { ModelLoading, PromptOutput, PromptResult } from './runner.ts';

type Failure = Extract<PromptResult, { kind: 'failed' }>;

/**
 * The outputs in a node's UI output. Generic, since node packs choose their keys freely: every list of `{filename, ...}` is files,
 * every `text` is text. Flags such as `animated` are neither.
 */
export function outputsOfNode(node: string, output: Readonly<Record<string, Json>> | null): PromptOutput[] {
  const outputs: PromptOutput[] = [];
  for (const [key, value] of Object.entries(output ?? {})) {
    for (const item of Array.isArray(value) ? value : [value]) {
      const file = fileReference(item);
      if (file) outputs.push({ node, key, file });
      else if (key === 'text' && item !== null) outputs.push({ node, key, text: typeof item === 'string' ? item : JSON.stringify(item) });
    }
  }
  return outputs;
}

/** What became of a prompt by its entry in `/history`, where nothing stands of how its models were loaded. */
export function resultOfHistory(entry: HistoryEntry, loading: ModelLoading | null): PromptResult {
  const messages = entry.status.messages;
  const error = messages.find(([type]) => type === 'execution_error');
  if (error) return failureOf(error[1] as unknown as ExecutionError);
  if (messages.some(([type]) => type === 'execution_interrupted')) return { kind: 'interrupted' };
  if (entry.status.status_str === 'error')
    return { kind: 'failed', code: 'workflow_error', message: 'ComfyUI reports an error without a reason.' };
  const outputs = Object.entries(entry.outputs).flatMap(([node, output]) =>
    outputsOfNode(entry.meta?.[node]?.display_node ?? node, output),
  );
  return succeededWith(outputs, loading);
}

/** Success, unless nothing came out: a prompt whose every node was cached can end so. */
export function succeededWith(outputs: PromptOutput[], loading: ModelLoading | null): PromptResult {
  if (outputs.length > 0) return { kind: 'succeeded', outputs, loading };
  return { kind: 'failed', code: 'no_output', message: 'The workflow ran to its end, but none of its nodes gave a file or a text.' };
}

/** The failure that an `execution_error` tells of. */
export function failureOf(error: ExecutionError): Failure {
  const type = error.exception_type ?? 'Error';
  const text = (error.exception_message ?? '').trim();
  return {
    kind: 'failed',
    code: codeOf(type, text),
    message: `Node ${error.node_id ?? '?'} (${error.node_type ?? 'unknown'}) failed: ${text || type}`,
    ...(error.node_id === undefined ? {} : { node: error.node_id }),
    ...(error.node_type === undefined ? {} : { classType: error.node_type }),
    details: { exception_type: type, exception_message: text, traceback: error.traceback ?? [] },
  };
}

/** What is not the workflow's mistake is told by its text: Python has no type of its own for a full disk (ENOSPC, EDQUOT). */
function codeOf(type: string, text: string): ErrorCode {
  if (/OutOfMemory/.test(type) || /CUDA out of memory|Allocation on device/.test(text)) return 'out_of_memory';
  if (/\bno space left on device\b|\bdisk quota exceeded\b|\[Errno (28|122)\]|\b(ENOSPC|EDQUOT)\b/i.test(text)) return 'disk_full';
  return 'workflow_error';
}

/** The failure that a 400 of `POST /prompt` tells of; `body` is as it came. */
export function refusalOf(body: unknown): Failure {
  const { error, node_errors: nodes = {} } = (typeof body === 'object' && body !== null ? body : {}) as Partial<PromptRefusal>;
  const reasons = Object.entries(nodes).flatMap(([node, { class_type, errors }]) =>
    errors.map(({ message, details }) => `node ${node} (${class_type}): ${message}${details ? `: ${details}` : ''}`),
  );
  const first = Object.entries(nodes)[0];
  const general = [error?.message, error?.details].filter(Boolean).join(': ');
  return {
    kind: 'failed',
    code: 'rejected_by_container',
    message: `ComfyUI refused the graph: ${reasons.join('; ') || general || 'it gave no reason'}.`,
    ...(first ? { node: first[0], classType: first[1].class_type } : {}),
    details: { error: (error ?? null) as Json, node_errors: nodes as unknown as Json },
  };
}
