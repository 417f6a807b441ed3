/** More than any real use asks for; beyond it a plan takes for ever, or its numbers are no numbers any more. */
export const most = {
  startSeconds: 3_600,
  outsideSeconds: 3_600,
  loadSeconds: 3_600,
  serviceSeconds: 86_400,
  pauseSeconds: 86_400,
  users: 10_000,
  /** A week of users who ask. */
  loopSeconds: 604_800,
  /** A month. */
  horizonSeconds: 31 * 86_400,
  /** Of one GPU-hour. */
  usdPerHour: 1_000,
  /** Of a fleet. */
  budgetUsdPerHour: 1_000_000,
} as const;
