// What a person types into mongosh, run by mongosh itself. The last line that it prints is a JSON document of the answers.
const shop = db.getSiblingDB('shop');
const orders = shop.orders;
const answers = {};

/** The code that a refused call is answered with, 0 if it is not refused. */
const codeOf = (call) => {
  try {
    call();
    return 0;
  } catch (error) {
    return error.code;
  }
};

answers.server = { version: db.version(), primary: db.hello().isWritablePrimary, state: rs.status().myState };
answers.inserted = Object.keys(
  orders.insertMany([
    { _id: 1, n: 1, tags: ['x', 'y'], at: new Date(0) },
    { _id: 2, n: NumberLong('9007199254740993') },
    { _id: 3, n: NumberDecimal('1.50') },
  ]).insertedIds,
).length;
answers.index = orders.createIndex({ n: 1 }, { unique: true });
const found = orders.find({ n: { $gt: 1 } }, { n: 1 }).sort({ n: -1 });
answers.found = EJSON.stringify(found.toArray(), { relaxed: false });
answers.plan = orders.find({ n: 1 }).explain().queryPlanner.winningPlan.inputStage.indexName;
answers.duplicate = codeOf(() => orders.insertOne({ n: 1 }));
answers.updated = orders.updateOne({ _id: 1 }, { $push: { tags: 'z' } }).modifiedCount;
answers.after = orders.findOneAndUpdate({ _id: 1 }, { $inc: { n: 41 } }, { returnNewDocument: true }).n;
answers.counts = [orders.countDocuments(), orders.estimatedDocumentCount(), orders.distinct('tags').length];
answers.sum = orders.aggregate([{ $group: { _id: null, sum: { $sum: '$_id' } } }]).toArray()[0].sum;
answers.many = orders.insertMany([...Array(500).keys()].map((i) => ({ n: 1000 + i }))).acknowledged;
answers.batches = orders.find().batchSize(20).toArray().length;
answers.names = [shop.getCollectionNames(), orders.getIndexes().map(({ name }) => name)];
answers.statistics = [shop.stats().objects, orders.validate().valid, typeof db.serverStatus().uptime];
answers.parameters = db.adminCommand({
  getParameter: 1,
  featureCompatibilityVersion: 1,
}).featureCompatibilityVersion;
answers.tests = db.adminCommand({ getParameter: 1, enableTestCommands: 1 }).enableTestCommands;
answers.noSuchParameter = codeOf(() => db.adminCommand({ getParameter: 1, logLevels: 1 }));
answers.refused = [
  codeOf(() => shop.watch()),
  codeOf(() => db.currentOp()),
  codeOf(() => orders.find({ $where: '1' }).toArray()),
  codeOf(() => shop.getUsers()),
];
answers.unknown = codeOf(() => db.adminCommand({ atlasVersion: 1 }));
answers.dropped = [orders.drop(), shop.dropDatabase().ok];
print(JSON.stringify(answers));
