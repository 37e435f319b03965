// Paging over a list that was computed once: the first page pins the list, the
// token names the pin and the place, and expires after a minute.
import { randomUUID } from "node:crypto";
import {
  DEFAULT_PAGE_SIZE,
  MAX_PAGE_PINS,
  MAX_PAGE_SIZE,
  MAX_RESPONSE_BYTES,
  PAGE_PIN_MS,
} from "./limits.ts";
import { failure } from "./status.ts";

/** One page, and the token of the next ("" if there is none). */
export interface Page<Item, Info> {
  readonly items: readonly Item[];
  readonly info: Info;
  readonly nextPageToken: string;
}

interface Pin<Item, Info> {
  readonly items: readonly Item[];
  readonly info: Info;
  readonly timer: NodeJS.Timeout;
}

/** What a caller asks for. */
export interface PageRequest {
  /** 0 means the default. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** Leaves room for what is beside the items. */
const PAGE_BYTES = MAX_RESPONSE_BYTES - (64 << 10);

/** See the head of this file. `Info` is what all pages of a list share. */
export class Pages<Item, Info> {
  readonly #pins = new Map<string, Pin<Item, Info>>();
  readonly #sizeOf: (item: Item) => number;

  /** `sizeOf` is the encoded size of an item, in bytes. */
  constructor(sizeOf: (item: Item) => number) {
    this.#sizeOf = sizeOf;
  }

  /**
   * The page that is asked for; `read` computes the list for a request without
   * token. `besides` is the size of what the answer carries for an item beside it.
   */
  page(
    request: PageRequest,
    read: () => { items: readonly Item[]; info: Info },
    besides: (item: Item) => number = () => 0,
  ): Page<Item, Info> {
    if (request.pageSize > MAX_PAGE_SIZE) {
      throw failure("invalid", `page_size ${request.pageSize} is above ${MAX_PAGE_SIZE}`, "leave it unset");
    }
    const pageSize = request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize;
    if (request.pageToken === "") return this.#cut(undefined, read(), 0, pageSize, besides);
    const [name = "", offset = ""] = request.pageToken.split(".");
    const pin = this.#pins.get(name);
    if (pin === undefined || !/^\d{1,9}$/.test(offset)) {
      throw failure("compacted", "the page token has expired", "start again without a token");
    }
    return this.#cut(name, pin, Number(offset), pageSize, besides);
  }

  /** Forgets all pins. */
  close(): void {
    for (const pin of this.#pins.values()) clearTimeout(pin.timer);
    this.#pins.clear();
  }

  #cut(
    name: string | undefined,
    list: { readonly items: readonly Item[]; readonly info: Info },
    start: number,
    pageSize: number,
    besides: (item: Item) => number,
  ): Page<Item, Info> {
    let bytes = 0;
    let end = start;
    while (end < list.items.length && end - start < pageSize) {
      const item = list.items[end]!;
      bytes += this.#sizeOf(item) + besides(item) + 8;
      if (bytes > PAGE_BYTES && end > start) break;
      end++;
    }
    const items = list.items.slice(start, end);
    if (end >= list.items.length) return { items, info: list.info, nextPageToken: "" };
    return { items, info: list.info, nextPageToken: `${name ?? this.#pin(list)}.${end}` };
  }

  #pin(list: { readonly items: readonly Item[]; readonly info: Info }): string {
    const oldest = this.#pins.keys().next();
    if (this.#pins.size >= MAX_PAGE_PINS && !oldest.done) this.#drop(oldest.value);
    const name = randomUUID();
    const timer = setTimeout(() => this.#drop(name), PAGE_PIN_MS);
    timer.unref();
    this.#pins.set(name, { items: list.items, info: list.info, timer });
    return name;
  }

  #drop(name: string): void {
    clearTimeout(this.#pins.get(name)?.timer);
    this.#pins.delete(name);
  }
}
