/** Puts `item` behind its equals in a sorted list and cuts the list to `n`. */
export function insertSorted<T>(list: T[], item: T, n: number, order: (a: T, b: T) => number): void {
  if (list.length === n && order(item, list[n - 1]!) >= 0) return;
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(list[middle]!, item) <= 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
  if (list.length > n) list.pop();
}
