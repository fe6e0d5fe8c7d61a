/**
 * Waiting line of items in groups within groups. The groups of one level take turns, an item each; items of the
 * innermost group keep their order. Each group has at most so many items under way as its level allows.
 */
export interface WaitingLine<T> {
  /** Adds an item; one with the same name that waits in the same groups is replaced, at its place. */
  add(groups: readonly string[], name: string, item: T): void;
  /** Takes the item whose turn it is; null if none may begin now. */
  take(): T | null;
  /** Ends an item that was taken, so that others of its groups may begin. */
  end(groups: readonly string[]): void;
}

/** Group: its own waiting items if it is innermost, else its groups, in the order of their next turns. */
interface Group<T> {
  underWay: number;
  readonly items: Map<string, T>;
  readonly groups: Map<string, Group<T>>;
}

/**
 * Makes an empty line.
 *
 * @param atOnce greatest numbers of items under way: in all, in a group, in a group of that, and so on; all items have
 *   one group less than there are numbers
 */
export function waitingLine<T>(atOnce: readonly number[]): WaitingLine<T> {
  const all: Group<T> = newGroup();

  function takeFrom(group: Group<T>, level: number): T | null {
    if (group.underWay >= atOnce[level]!) return null;
    const item = takeFirst(group.items) ?? takeInTurn(group.groups, level + 1);
    if (item !== null) group.underWay += 1;
    return item;
  }

  function takeInTurn(groups: Group<T>["groups"], level: number): T | null {
    for (const [name, group] of groups) {
      const item = takeFrom(group, level);
      if (item === null) continue;
      // The group goes behind the others of its level.
      groups.delete(name);
      groups.set(name, group);
      return item;
    }
    return null;
  }

  return {
    add(groups, name, item) {
      let group = all;
      for (const each of groups) {
        const inner = group.groups.get(each) ?? newGroup();
        group.groups.set(each, inner);
        group = inner;
      }
      group.items.set(name, item);
    },
    take: () => takeFrom(all, 0),
    end(groups) {
      const path = [all];
      for (const each of groups) path.push(path.at(-1)!.groups.get(each)!);
      for (const group of path) group.underWay -= 1;
      for (let level = groups.length; level > 0; level -= 1)
        if (isEmpty(path[level]!)) path[level - 1]!.groups.delete(groups[level - 1]!);
    },
  };
}

function newGroup<T>(): Group<T> {
  return { underWay: 0, items: new Map(), groups: new Map() };
}

function isEmpty({ underWay, items, groups }: Group<unknown>): boolean {
  return underWay === 0 && items.size === 0 && groups.size === 0;
}

function takeFirst<T>(items: Map<string, T>): T | null {
  for (const [name, item] of items) {
    items.delete(name);
    return item;
  }
  return null;
}
