import type {
  AnyBulkWriteOperation,
  AnyClientBulkWriteModel,
  BulkWriteResult,
  ClientBulkWriteResult,
  Document,
  UpdateResult,
} from 'mongodb';

/** The driver takes the test's form of requests as it is. */
export function bulkRequests(requests: Document[]): AnyBulkWriteOperation[] {
  return requests as AnyBulkWriteOperation[];
}

export function clientModels(
  models: Document[],
): (AnyClientBulkWriteModel<Document> & { namespace: string })[] {
  return models.map((model) => {
    const [name, fields] = Object.entries(model)[0] as [string, Document];
    return { name, ...fields } as AnyClientBulkWriteModel<Document> & { namespace: string };
  });
}

/** The driver says null where nothing was upserted; the test format leaves the field out. */
export function updateResult(result: UpdateResult | Document): Document {
  const { upsertedId, ...rest } = result;
  return upsertedId === null ? rest : { ...rest, upsertedId };
}

export function bulkResult(result: BulkWriteResult): Document {
  const { insertedCount, matchedCount, modifiedCount, deletedCount, upsertedCount } = result;
  const { insertedIds, upsertedIds } = result;
  return {
    insertedCount,
    matchedCount,
    modifiedCount,
    deletedCount,
    upsertedCount,
    insertedIds,
    upsertedIds,
  };
}

export function clientBulkResult(result: ClientBulkWriteResult): Document {
  const { insertResults, updateResults, deleteResults, ...counts } = result;
  const byIndex = (
    results: ReadonlyMap<number, Document> | undefined,
    keep: (result: Document) => Document,
  ) => results && Object.fromEntries([...results].map(([index, each]) => [index, keep(each)]));
  return {
    ...counts,
    insertResults: byIndex(insertResults, (each) => each),
    updateResults: byIndex(updateResults, withoutUpsertFlag),
    deleteResults: byIndex(deleteResults, (each) => each),
  };
}

/** `didUpsert` is the driver's own addition. */
function withoutUpsertFlag(result: Document): Document {
  const { didUpsert: _didUpsert, ...rest } = result;
  return rest;
}
