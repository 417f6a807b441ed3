import type { Workflow, WorkflowInput } from '../deployments/workflow.ts';
import { ComfleetError } from '../errors.ts';

export type Values = Record<string, unknown>;

/** The named inputs in the text of an `application/x-www-form-urlencoded` body. Error: `invalid_body`. */
export function formValues(text: string, workflow: Workflow): Values {
  const values = new Map<string, unknown>();
  for (const pair of text.split('&').filter((part) => part !== '')) {
    const at = pair.includes('=') ? pair.indexOf('=') : pair.length;
    const name = decoded(pair.slice(0, at), 'A name in the form');
    if (values.has(name)) throw new ComfleetError('invalid_body', `The form has the field ${name} twice`);
    values.set(name, valueOf(workflow, name, decoded(pair.slice(at + 1), `The field ${name}`)));
  }
  return Object.fromEntries(values);
}

function decoded(text: string, what: string): string {
  // A percent sign that nobody has encoded stands for itself, as in browsers.
  const escaped = text.replaceAll('+', ' ').replaceAll(/%(?![0-9a-f]{2})/gi, '%25');
  try {
    return decodeURIComponent(escaped);
  } catch (error) {
    throw new ComfleetError('invalid_body', `${what} is not UTF-8 text; encode it as UTF-8`, {}, { cause: error });
  }
}

/** Forms know only text: what reads as the input's type becomes it, the rest is left for the check to refuse. */
export function valueOf(workflow: Workflow, name: string, text: string): unknown {
  const input = workflow.inputs.find((one) => one.name === name);
  switch (input?.type) {
    case 'int':
    case 'float':
      return numberOf(text);
    case 'boolean':
      if (/^(true|1|on|yes)$/i.test(text)) return true;
      return /^(false|0|off|no)$/i.test(text) ? false : text;
    case 'enum':
      return choiceOf(input, text);
    default:
      return text;
  }
}

/** Whole numbers that JavaScript cannot hold stay digits. */
function numberOf(text: string): unknown {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) return text;
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text.trim()) ? number : text.trim();
}

const choiceOf = ({ choices }: WorkflowInput, text: string): unknown =>
  choices?.find((choice) => choice === text || JSON.stringify(choice) === text) ?? text;
