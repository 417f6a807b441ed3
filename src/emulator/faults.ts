import { z } from 'zod';

/** What goes wrong, so that whoever relies on containers can be tested. `POST /emulator/faults` sets it at run time. */
export const faultsSchema = z.strictObject({
  /** Once: the container dies right after it has accepted the next prompt. */
  crash: z.boolean().optional(),
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
