/** Has the name of the workflow that runs jobs. */
export async function job(): Promise<void> {
  await Promise.resolve();
}
