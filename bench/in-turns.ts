/** Does something with every item, some at a time. */
export async function inTurns<T>(
  items: readonly T[],
  atOnce: number,
  one: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = [...items];
  const lane = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await one(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
