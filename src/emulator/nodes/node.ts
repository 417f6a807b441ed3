import type { Graph, Json } from '../../comfyui/protocol.ts';
import type { UiOutput } from '../cache.ts';
import type { Files } from '../files.ts';
import type { ServerSettings } from '../flags.ts';
import type { PixelPool } from '../pixels/pool.ts';
import type { Picture } from '../pixels/picture.ts';
import { isPicture } from '../pixels/picture.ts';
import { PythonError, typeName } from '../../comfyui/python.ts';
import type { Timing } from '../timing.ts';

/** A latent of the emulator: its size in pixels, and the picture that decoding would show. */
export interface Latent {
  readonly kind: 'latent';
  /** Pixels of the decoded picture: 8 times the latent's own. */
  readonly width: number;
  readonly height: number;
  readonly batch: number;
  /** Null: an empty latent. */
  readonly picture: Picture | null;
  readonly mask: Picture | null;
  /** The text that was sampled last. */
  readonly prompt: string;
}

export interface Conditioning {
  readonly kind: 'conditioning';
  readonly text: string;
}

/** What a loader gives: only its name matters here. */
export interface ModelPart {
  readonly kind: 'model' | 'clip' | 'clip_vision' | 'vae' | 'controlnet' | 'upscale_model' | 'style_model' | 'gligen';
  readonly name: string;
}

/** What a node gets besides its inputs. */
export interface NodeContext {
  readonly nodeId: string;
  readonly files: Files;
  readonly pixels: PixelPool;
  readonly timing: Timing;
  readonly profileName: string;
  readonly settings: ServerSettings;
  /** The graph and what else goes into the text chunks of PNG files. */
  readonly metadata: { readonly graph: Graph; readonly extra: Readonly<Record<string, Json>> };
  /** Classes of the graph whose pixels only resemble ComfyUI's. */
  readonly approximate: readonly string[];
  /** The clock's time, in milliseconds. */
  now(): number;
  /** A whole number in [0, below), for names that must differ. */
  random(below: number): number;
  /** Waits until the clock says so. Throws when the container closes meanwhile. */
  waitUntil(at: number): Promise<void>;
  /** Tells the client of a step; throws Interrupted when the prompt was interrupted. */
  progress(value: number, max: number, preview?: PreviewImage): void;
  /** True when previews are wanted, someone sees them, and there is time to make one. */
  readonly wantsPreviews: boolean;
  /** Text for all clients, attributed to this node. */
  sendText(text: string): void;
  /** True once after the fault `outOfMemory` was set. */
  takeOutOfMemory(): boolean;
}

export interface PreviewImage {
  readonly format: 'jpeg' | 'png';
  readonly image: Uint8Array;
}

export interface NodeResult {
  readonly outputs: readonly unknown[];
  readonly ui?: UiOutput;
}

export type Inputs = Readonly<Record<string, unknown>>;

/** What a class of nodes does; its definition is in object-info.json. */
export interface NodeClass {
  run(inputs: Inputs, context: NodeContext): NodeResult | Promise<NodeResult>;
  /** A text that differs when the node must run again though its inputs are the same. */
  changed?(inputs: Inputs, files: Files): Promise<string>;
  /** It gets its inputs as lists and runs once, instead of once for each item. */
  readonly takesLists?: boolean;
  /** What it makes has the right shape, and is not what ComfyUI would make. */
  readonly approximate?: boolean;
  /** Inputs that name a file of the container, checked before the prompt is accepted. */
  readonly fileInputs?: readonly string[];
}

/** The running prompt was interrupted. */
export class Interrupted extends Error {}

/** An IMAGE or MASK input; what else stands there fails as it does in Python. */
export function picture(inputs: Inputs, name: string): Picture {
  const value = inputs[name];
  if (isPicture(value)) return value;
  throw new PythonError('AttributeError', `'${typeName(value)}' object has no attribute 'shape'`);
}

export const optionalPicture = (inputs: Inputs, name: string): Picture | null =>
  inputs[name] === undefined ? null : picture(inputs, name);

const isLatent = (value: unknown): value is Latent =>
  typeof value === 'object' && value !== null && (value as Partial<Latent>).kind === 'latent';

export function latent(inputs: Inputs, name: string): Latent {
  const value = inputs[name];
  if (isLatent(value)) return value;
  if (typeof value === 'string') throw new PythonError('TypeError', "string indices must be integers, not 'str'");
  throw new PythonError('TypeError', `'${typeName(value)}' object is not subscriptable`);
}

export const number = (inputs: Inputs, name: string): number => Number(inputs[name]);
export const text = (inputs: Inputs, name: string): string => String(inputs[name]);
