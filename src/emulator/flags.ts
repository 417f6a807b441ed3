import { parseArgs } from 'node:util';

/** What ComfyUI's own command line sets, as far as it changes what a server says. */
export interface ServerSettings {
  /** Results of earlier prompts: `classic` keeps those of the last prompt, `lru` the last so many, `none` nothing. */
  readonly cache: { readonly kind: 'classic' } | { readonly kind: 'lru'; readonly size: number } | { readonly kind: 'none' };
  readonly previews: boolean;
  /** Previews are scaled to fit this, in pixels. */
  readonly previewSize: number;
  /** Bytes of a request's body; may be a fraction, and is told so. */
  readonly maximumBody: number;
  /** Whose pages may call; null: only the server's own. */
  readonly cors: string | null;
  /** Whether pictures carry the graph. */
  readonly metadata: boolean;
  /** Files of custom nodes that are loaded; null: all. */
  readonly customNodes: readonly string[] | null;
}

const megabyte = 2 ** 20;
const withValue = { type: 'string', multiple: true } as const;
const options = {
  'cache-lru': withValue,
  'cache-none': { type: 'boolean' },
  'preview-method': withValue,
  'preview-size': withValue,
  'max-upload-size': withValue,
  'enable-cors-header': withValue,
  'disable-metadata': { type: 'boolean' },
  'disable-all-custom-nodes': { type: 'boolean' },
  'whitelist-custom-nodes': withValue,
} as const;

/** `--flag a b` as `--flag=a --flag=b`, the only form in which a flag may have several values or none. */
function spelledOut(flags: readonly string[]): string[] {
  let flag = '';
  return flags.flatMap((word, at) => {
    if (!word.startsWith('--')) return [`${flag}=${word}`];
    flag = word;
    const hasValue = flags[at + 1]?.startsWith('--') === false;
    return hasValue ? [] : [word === '--enable-cors-header' ? `${word}=*` : word];
  });
}

/** Reads ComfyUI's flags. Those that change nothing here, such as `--cpu`, are ignored. */
export function readFlags(flags: readonly string[]): ServerSettings {
  const { values } = parseArgs({ args: spelledOut(flags), options, strict: false });
  const last = (name: keyof typeof options): string | undefined => (values[name] as string[] | undefined)?.at(-1);
  const lru = last('cache-lru');
  const method = last('preview-method') ?? 'none';
  return {
    cache: values['cache-none'] ? { kind: 'none' } : lru === undefined ? { kind: 'classic' } : { kind: 'lru', size: Number(lru) },
    previews: method !== 'none',
    previewSize: Number(last('preview-size') ?? 512),
    maximumBody: Number(last('max-upload-size') ?? 100) * megabyte,
    cors: last('enable-cors-header') ?? null,
    metadata: !values['disable-metadata'],
    customNodes: values['disable-all-custom-nodes'] ? ((values['whitelist-custom-nodes'] as string[] | undefined) ?? []) : null,
  };
}
