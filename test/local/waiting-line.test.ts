import { expect, it } from "vitest";
import { waitingLine } from "../../functions/local/waiting-line.ts";

/** Makes a line of items that are named by their groups and a number, such as `a/x/1`. */
function open(atOnce: readonly number[]) {
  const line = waitingLine<string>(atOnce);
  const groupsOf = (item: string) => item.split("/").slice(0, -1);
  const takeAll = () => {
    const taken: string[] = [];
    for (let item = line.take(); item !== null; item = line.take()) taken.push(item);
    return taken;
  };
  return {
    add: (...items: string[]) => {
      for (const item of items) line.add(groupsOf(item), item, item);
    },
    end: (item: string) => line.end(groupsOf(item)),
    takeAll,
  };
}

it("items without groups keep their order, and no more are under way than allowed", () => {
  const { add, end, takeAll } = open([2]);
  add("1", "2", "3");
  expect(takeAll()).toEqual(["1", "2"]);
  end("2");
  expect(takeAll()).toEqual(["3"]);
});

it("groups take turns at every level, and the items of one keep their order", () => {
  const { add, takeAll } = open([99, 99, 99]);
  add("a/x/1", "a/x/2", "a/x/3", "a/y/1", "b/z/1", "b/z/2");
  expect(takeAll()).toEqual(["a/x/1", "b/z/1", "a/y/1", "b/z/2", "a/x/2", "a/x/3"]);
});

it("a group that has its share under way is passed over by the others", () => {
  const { add, end, takeAll } = open([5, 3, 2]);
  add("a/x/1", "a/x/2", "a/x/3", "a/y/1", "a/y/2", "b/z/1");
  expect(takeAll()).toEqual(["a/x/1", "b/z/1", "a/y/1", "a/x/2"]);
  end("a/y/1");
  expect(takeAll()).toEqual(["a/y/2"]);
  end("a/x/1");
  expect(takeAll()).toEqual(["a/x/3"]);
});

it("a repeated item keeps its place", () => {
  const { add, takeAll } = open([9, 9]);
  add("a/1", "a/2", "a/1");
  expect(takeAll()).toEqual(["a/1", "a/2"]);
});
