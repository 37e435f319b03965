// Paging: one list for all pages, tokens that can be used again, bounds on
// everything, and an end to every pin.
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { MAX_PAGE_PINS, MAX_PAGE_SIZE, MAX_RESPONSE_BYTES, PAGE_PIN_MS } from "../../src/control/limits.ts";
import { Pages } from "../../src/control/pages.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

function setup(count: number, sizeOf = (_item: number) => 10) {
  const pages = new Pages<number, string>(sizeOf);
  let reads = 0;
  const read = () => {
    reads++;
    return { items: numbers(count), info: `read ${reads}` };
  };
  return {
    pages,
    page: (pageSize: number, pageToken = "", besides?: (item: number) => number) =>
      pages.page({ pageSize, pageToken }, read, besides),
    get reads() {
      return reads;
    },
  };
}

test("the pages of one read are the list, each item once, with one info", () => {
  const { page } = setup(25);
  const seen: number[] = [];
  let token = "";
  const sizes: number[] = [];
  do {
    const part = page(10, token);
    expect(part.info).toBe("read 1");
    seen.push(...part.items);
    sizes.push(part.items.length);
    token = part.nextPageToken;
  } while (token !== "");
  expect(seen).toEqual(numbers(25));
  expect(sizes).toEqual([10, 10, 5]);
});

test("a token may be used again: the same page, and the same token after it", () => {
  const { page } = setup(30);
  const first = page(10);
  const second = page(10, first.nextPageToken);
  expect(page(10, first.nextPageToken)).toEqual(second);
  expect(page(5, first.nextPageToken).items).toEqual([10, 11, 12, 13, 14]);
});

test("what fits one page pins nothing", () => {
  const { page } = setup(10);
  expect(page(10).nextPageToken).toBe("");
  expect(jest.getTimerCount()).toBe(0);
  expect(setup(0).page(0)).toMatchObject({ items: [], nextPageToken: "" });
});

test("a token expires a minute after the first page", () => {
  const { page } = setup(30);
  const { nextPageToken } = page(10);
  jest.advanceTimersByTime(PAGE_PIN_MS - 1);
  expect(page(10, nextPageToken).items[0]).toBe(10);
  jest.advanceTimersByTime(1);
  expect(() => page(10, nextPageToken)).toThrow(/expired/);
  expect(jest.getTimerCount()).toBe(0);
});

test.each(["nonsense", ".", "a.b", ".5"])("token %j is refused", (token) => {
  const { page } = setup(30);
  expect(() => page(10, token)).toThrow(/expired/);
});

test.each(["", ".", ".-1", ".1e3", ".99999999999", ".x"])("a token that ends with %j is refused", (end) => {
  const { page } = setup(30);
  const [name] = page(10).nextPageToken.split(".");
  expect(() => page(10, `${name}${end}`)).toThrow(/expired/);
});

test("a token beyond the end is an empty page", () => {
  const { page } = setup(30);
  const [name] = page(10).nextPageToken.split(".");
  expect(page(10, `${name}.400`)).toMatchObject({ items: [], nextPageToken: "" });
});

test("a page size above the limit is refused", () => {
  expect(() => setup(1).page(MAX_PAGE_SIZE + 1)).toThrow(/above/);
});

test("pins are bounded: the oldest goes", () => {
  const { page } = setup(30);
  const tokens = numbers(MAX_PAGE_PINS + 2).map(() => page(10).nextPageToken);
  expect(jest.getTimerCount()).toBe(MAX_PAGE_PINS);
  expect(() => page(10, tokens[0])).toThrow(/expired/);
  expect(() => page(10, tokens[1])).toThrow(/expired/);
  for (const token of tokens.slice(2)) expect(page(10, token).items[0]).toBe(10);
});

test("a page ends before it exceeds a message, with what its answer carries besides", () => {
  const large = MAX_RESPONSE_BYTES / 8;
  expect(setup(30, () => large).page(0).items.length).toBe(7);
  expect(setup(30, () => large).page(0, "", () => large).items.length).toBe(3);
  // One that is too large alone is sent alone: there is no smaller page.
  expect(setup(30, () => MAX_RESPONSE_BYTES * 2).page(0).items).toEqual([0]);
});

test("close() forgets everything", () => {
  const { page, pages } = setup(30);
  const { nextPageToken } = page(10);
  pages.close();
  expect(jest.getTimerCount()).toBe(0);
  expect(() => page(10, nextPageToken)).toThrow(/expired/);
});
