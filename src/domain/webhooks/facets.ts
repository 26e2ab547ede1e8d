/**
 * Facets: what a row can be listed by, in one array. One index over (owner, facet, id) then serves every filter in list
 * order, where an index a filter would cost a write each. A prefix keeps the kinds apart.
 */
export const facet = {
  type: (name: string): string => `y:${name}`,
  channel: (name: string): string => `c:${name}`,
  tag: (name: string): string => `t:${name}`,
  /** 0 (no answer), 100 ... 500. */
  codeClass: (from: number): string => `s:${from}`,
};

interface Labelled {
  type: string;
  channels: readonly string[] | null;
  tags: readonly string[] | null;
}

/** What messages and deliveries can be listed by. */
export const messageFacets = ({ type, channels, tags }: Labelled): string[] => [
  facet.type(type),
  ...(channels ?? []).map(facet.channel),
  ...(tags ?? []).map(facet.tag),
];

/** Attempts can be listed by the class of the answer too. */
export const attemptFacets = (delivery: Labelled, code: number): string[] => [
  ...messageFacets(delivery),
  facet.codeClass(Math.floor(code / 100) * 100),
];
