import { editNodes } from './edits.ts';
import { imageNodes } from './images.ts';
import { maskNodes } from './masks.ts';
import { modelNodes } from './models.ts';
import { movingNodes } from './moving.ts';
import type { NodeClass } from './node.ts';
import { samplingNodes } from './sampling.ts';
import { savingNodes } from './saving.ts';
import { textNodes } from './texts.ts';

/** Every class that an emulated container can run; object-info.json defines the same ones. */
export const nodeClasses: Readonly<Record<string, NodeClass>> = {
  ...imageNodes,
  ...savingNodes,
  ...textNodes,
  ...modelNodes,
  ...samplingNodes,
  ...editNodes,
  ...maskNodes,
  ...movingNodes,
};
