/** Builds one page of a list in the form that the pagination of OpenAI's clients expects. */
export function pageView<Item extends { readonly id: string }>(data: Item[], hasMore = false) {
  return {
    object: "list" as const,
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
