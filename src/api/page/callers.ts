import type { IncomingMessage } from 'node:http';
import type { Principal } from '../principal.ts';

/** Whom requests stand for that came to ComfyUI's page and were handed on. Nobody can write that into a header. */
export const pageCallers = new WeakMap<IncomingMessage, Principal>();
