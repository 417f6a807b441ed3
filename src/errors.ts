/**
 * The catalogue of errors: every failure that a caller can see has one row here. Dialects turn a row into their own
 * envelope; the tidy test checks that `docs/reference/errors.md` names each one.
 */

export interface ErrorRow {
  /** HTTP status that the fleet and simple dialects answer with. */
  readonly status: number;
  /** Who can mend it: the caller, the workflow, or whoever runs the fleet. */
  readonly fault: 'caller' | 'workflow' | 'fleet';
  readonly title: string;
  /** What to do next, in one sentence. */
  readonly next: string;
}

const row = (status: number, fault: ErrorRow['fault'], title: string, next: string): ErrorRow => ({ status, fault, title, next });

export const errorCatalogue = {
  invalid_body: row(
    400,
    'caller',
    'The request body could not be read',
    'Correct the body as the message says; JSON goes with Content-Type: application/json.',
  ),
  body_too_large: row(
    413,
    'caller',
    'The request body is too large',
    'Send less; files as uploads that the request refers to, and plan for a long trace with: comfleet plan --trace.',
  ),
  invalid_parameter: row(400, 'caller', 'A parameter of the request is wrong', 'Compare it with /fleet/v1/openapi.json.'),
  invalid_input: row(
    422,
    'caller',
    'An input of the workflow is wrong',
    'The inputs with their types and ranges: GET /fleet/v1/deployments/{name}.',
  ),
  invalid_graph: row(422, 'caller', 'The workflow graph is wrong', 'Export it again from ComfyUI with "Export (API)".'),
  ui_workflow: row(422, 'caller', 'This is a workflow in UI format', 'In ComfyUI use Workflow > Export (API) and send that file.'),
  invalid_workflow: row(
    422,
    'caller',
    'The declaration of the workflow is wrong',
    'Correct the input, output or file that the message names.',
  ),
  invalid_trace: row(422, 'caller', 'The trace cannot be read', 'Correct the line that the message names, or export the trace again.'),
  impossible_target: row(422, 'caller', 'No fleet can meet the target', 'Ask for a latency that the message says is possible.'),
  plan_too_long: row(
    422,
    'caller',
    'The plan takes too long to make',
    'Plan for a shorter trace, fewer seconds or users, shorter starts or an earlier horizon.',
  ),
  unknown_plan: row(404, 'caller', 'No such plan', 'Ask for a new one: POST /fleet/v1/plans; only the last ones are kept.'),
  unknown_node: row(
    422,
    'caller',
    'The graph uses a node that no container has',
    'Install the node pack on the ComfyUI server, or change the graph.',
  ),
  missing_file: row(
    422,
    'caller',
    'A file that the graph names is missing',
    'Put the file where the message says, or name one that is there.',
  ),
  open_graphs_off: row(
    403,
    'caller',
    'Graphs from clients are not allowed here',
    'Call the deployment with its named inputs, or set open_graphs: true.',
  ),
  url_refused: row(422, 'caller', 'A URL is not allowed', 'Use a public http(s) URL, or open its network with allow_private.'),
  url_failed: row(422, 'caller', 'A URL could not be fetched', 'Check that the URL answers with the file and is not too large.'),
  not_found: row(404, 'caller', 'There is nothing here', 'Check the path and the id; /fleet/v1/openapi.json has every route.'),
  method_not_allowed: row(405, 'caller', 'This method is not allowed here', 'Use one of the methods in the Allow header.'),
  request_timeout: row(408, 'caller', 'The request took too long to arrive', 'Send the whole body without pauses.'),
  unsupported_media_type: row(415, 'caller', 'This kind of body is not understood', 'Send one of the types that the message names.'),
  range_not_satisfiable: row(416, 'caller', 'The range is outside the file', 'Ask for bytes below the size in Content-Range.'),
  unknown_job: row(
    404,
    'caller',
    'No such job',
    'List jobs: comfleet jobs, or GET /fleet/v1/jobs; finished ones go after the retention time.',
  ),
  unknown_deployment: row(404, 'caller', 'No such deployment', 'List deployments: comfleet top, or GET /fleet/v1/deployments.'),
  unknown_container: row(
    404,
    'caller',
    'No such container',
    'List containers: comfleet containers --all, or GET /fleet/v1/containers?alive=false.',
  ),
  unknown_output: row(404, 'caller', 'The job has no such output', 'Read outputs[] of the job; numbers start at 0.'),
  output_expired: row(410, 'caller', 'The output is not there any more', 'Run the job again; outputs are kept for retention.outputs.'),
  job_not_finished: row(409, 'caller', 'The job has no result yet', 'Wait for it: GET /fleet/v1/jobs/{id}/events.'),
  job_finished: row(409, 'caller', 'The job has already ended', 'Nothing is left to do for it.'),
  idempotency_mismatch: row(422, 'caller', 'The Idempotency-Key was used with another body', 'Use a new key for a new request.'),
  unauthorized: row(401, 'caller', 'A key is needed', 'Send Authorization: Bearer KEY; create one with: comfleet keys create.'),
  forbidden: row(403, 'caller', 'This key may not do that', 'Use a key with the role that the message names.'),
  not_passed: row(
    403,
    'caller',
    'This route does not pass to containers',
    'If its node pack is to be trusted with it, name it in comfleet.yaml: deployments.NAME.native.allow.',
  ),
  bad_origin: row(
    403,
    'caller',
    'The request came from another site',
    'Call from the same origin, or without a browser; name more hosts with network.hosts.',
  ),
  conflict: row(409, 'caller', 'Someone else changed it meanwhile', 'Read it again and repeat the change.'),
  too_many_requests: row(429, 'caller', 'Too much at once', 'Wait for the time in Retry-After.'),
  over_budget: row(
    429,
    'caller',
    'The budget of the deployment is spent',
    'Wait for the time in Retry-After, give the job a higher priority (X-Comfleet-Priority, or priority of POST /fleet/v1/jobs), or raise budget.usd_per_hour.',
  ),
  workflow_error: row(500, 'workflow', 'The workflow failed', 'Read error.node and error.message; run the same graph in ComfyUI.'),
  out_of_memory: row(500, 'workflow', 'The GPU ran out of memory', 'Use a smaller picture or batch, or a larger GPU.'),
  disk_full: row(
    503,
    'fleet',
    'The disk of the container is full',
    'Free space where the container writes its files, and run the job again.',
  ),
  no_output: row(500, 'workflow', 'The workflow made no output', 'Add a node that saves, such as SaveImage, and declare it as an output.'),
  rejected_by_container: row(
    422,
    'workflow',
    'ComfyUI refused the graph',
    'Read error.details: node, input and reason as ComfyUI gave them.',
  ),
  timeout: row(504, 'workflow', 'The execution timeout passed', 'Raise execution_timeout of the deployment, or make the workflow shorter.'),
  expired: row(504, 'caller', 'The deadline passed before there was a result', 'Give a later deadline, or more containers.'),
  canceled: row(409, 'caller', 'The job was cancelled', 'Submit it again if it is still wanted.'),
  containers_lost: row(502, 'fleet', 'The job lost its container three times', 'Read the logs of its containers: comfleet logs CONTAINER.'),
  start_failed: row(503, 'fleet', 'A container did not start', 'Read its logs: comfleet logs CONTAINER.'),
  container_lost: row(502, 'fleet', 'The container was lost', 'Nothing: the job is tried again.'),
  store_failed: row(
    503,
    'fleet',
    'The job could not be stored',
    'Free disk space in the data folder, or mend what the message names; nothing was accepted.',
  ),
  nothing_reported: row(
    503,
    'fleet',
    'No container has been ready yet',
    'Run a job, or set min_containers: what containers say is known from the first ready one on.',
  ),
  draining: row(503, 'fleet', 'The gateway is shutting down', 'Send the request again after Retry-After.'),
  invalid_config: row(500, 'fleet', 'The configuration is wrong', 'Mend the line, flag or variable that the message names.'),
  data_folder_unusable: row(500, 'fleet', 'The data folder cannot be used', 'Name a folder that you may write to with --data-dir.'),
  data_folder_in_use: row(500, 'fleet', 'Another comfleet owns this data folder', 'Stop it, or start this one with another --data-dir.'),
  database_unusable: row(
    500,
    'fleet',
    'A database of the data folder cannot be opened',
    'See that this user may write the file and that the disk has room; a damaged one must be restored, or moved away with all it holds.',
  ),
  data_folder_newer: row(
    500,
    'fleet',
    'A newer comfleet wrote this data folder',
    'Update comfleet, or start this one with another --data-dir.',
  ),
  port_in_use: row(500, 'fleet', 'The port is in use', 'Choose another one with --port.'),
  comfyui_not_found: row(500, 'fleet', 'There is no usable ComfyUI', 'Give the folder that holds main.py, or the URL of a server.'),
  unsafe_bind: row(
    500,
    'fleet',
    'Refusing to listen on a public address without a key',
    'Create one first: comfleet keys create --role admin NAME.',
  ),
  supervisor_failed: row(503, 'fleet', 'The supervisor does not answer', 'Read supervisor.log in the data folder.'),
  internal: row(500, 'fleet', 'Something went wrong in comfleet', 'Please report it with the request id.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorCatalogue;

/** A failure with a row in the catalogue. `message` says what happened to what and why; `details` is JSON for programs. */
export class ComfleetError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ComfleetError';
    this.code = code;
    this.details = details;
  }
}

/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly next: string;
  readonly [extra: string]: unknown;
}

/** The problem document of an error; unknown errors become `internal` and keep their text to themselves. */
export function toProblem(error: unknown): Problem {
  const known = error instanceof ComfleetError ? error : null;
  const code: ErrorCode = known?.code ?? 'internal';
  const { status, title, next } = errorCatalogue[code];
  return {
    ...known?.details,
    type: `https://comfleet.dev/errors/${code}`,
    title,
    status,
    detail: known?.message ?? 'An unexpected error; the log has it under the request id.',
    code,
    next,
  };
}
