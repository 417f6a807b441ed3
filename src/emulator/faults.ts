import { z } from 'zod';

/**
 * What goes wrong, so that whoever relies on containers can be tested. `POST /emulator/faults` sets it at run time. One
 * fault needs no switch, since a real server has it: two waiting prompts of the same number and id end all work (queue.ts).
 */
export const faultsSchema = z.strictObject({
  /** Once: the container dies right after it has accepted the next prompt. */
  crash: z.boolean().optional(),
  /** Seconds that the start takes longer; the port opens only then. Counts for a server that is started with it. */
  slowStart: z.number().min(0).optional(),
  /** Prompts are accepted and never started. */
  hang: z.boolean().optional(),
  /** Sockets stay open, and nothing comes through them. */
  silentSocket: z.boolean().optional(),
  /** Once: the next sampler runs out of GPU memory. */
  outOfMemory: z.boolean().optional(),
  /** `/view` gives the first half of each file. */
  corruptFile: z.boolean().optional(),
});
export type Faults = z.infer<typeof faultsSchema>;
