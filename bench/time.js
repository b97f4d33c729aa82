/** Nanoseconds that the processor spent on this process since `before`: the time of others that share the core does not count. */
export function spentSince(before) {
  const { user, system } = process.cpuUsage(before);
  return 1000 * (user + system);
}
