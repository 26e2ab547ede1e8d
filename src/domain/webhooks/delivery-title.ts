/** A delivery in an operator's words, without the path and query of the URL, which may hold secrets. */
export const deliveryTitle = (eventType: string, url: URL, endpointId: string): string =>
  `${eventType} -> ${url.origin} (${endpointId})`;
