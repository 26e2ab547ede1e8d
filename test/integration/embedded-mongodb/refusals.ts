type Command = Record<string, unknown>;

/** A command that asks for a feature, and how the text of error 115 names it. */
type Refusal = readonly [command: Command, named: string];

const find = (filter: object, options: object = {}): Command => ({ find: 'c', filter, ...options });
const aggregate = (...pipeline: object[]): Command => ({ aggregate: 'c', pipeline, cursor: {} });
const index = (key: object, options: object = {}): Command => ({
  createIndexes: 'c',
  indexes: [{ key, name: 'refused', ...options }],
});
const expression = (name: string, operand: unknown = ['$a', 1]): Refusal => [
  aggregate({ $project: { x: { [name]: operand } } }),
  `the expression ${name}`,
];
const accumulator = (name: string, operand: unknown = '$a'): Refusal => [
  aggregate({ $group: { _id: null, x: { [name]: operand } } }),
  `the accumulator ${name}`,
];
const stage = (name: string, spec: unknown = {}): Refusal => [
  aggregate({ [name]: spec }),
  `the stage ${name}`,
];
const command = (name: string): Refusal => [{ [name]: 'c' }, `the command '${name}'`];
const all = (names: string, refusal: (name: string) => Refusal): Record<string, Refusal> =>
  Object.fromEntries(names.split(' ').map((name) => [name, refusal(name)]));

const inTransaction: Command = {
  insert: 'c',
  documents: [{}],
  startTransaction: true,
  autocommit: false,
};

/**
 * Features of MongoDB that the embedded server refuses, by the rows of the table in its README: a test compares both and
 * sends each command.
 */
export const REFUSALS: Readonly<Record<string, Readonly<Record<string, Refusal>>>> = {
  sessions: {
    'multi-document transactions': [inTransaction, 'a multi-document transaction'],
    'snapshot reads': [find({}, { readConcern: { level: 'snapshot' } }), 'readConcern level snapshot'],
    'change streams': stage('$changeStream'),
    'users and passwords': command('saslStart'),
  },
  collections: {
    capped: [{ create: 'x', capped: true }, 'a capped collection'],
    views: [{ create: 'x', viewOn: 'c', pipeline: [] }, "the field 'create.viewOn'"],
    validators: [{ create: 'x', validator: {} }, "the field 'create.validator'"],
    'time series': [{ create: 'x', timeseries: { timeField: 't' } }, "the field 'create.timeseries'"],
    clustered: [{ create: 'x', clusteredIndex: {} }, "the field 'create.clusteredIndex'"],
    'collations other than `simple`': [find({}, { collation: { locale: 'de' } }), 'a collation'],
    sharding: [{ shardCollection: 'db.c', key: { a: 1 } }, "the command 'shardCollection'"],
  },
  indexes: {
    hashed: [index({ a: 'hashed' }), "an index of type 'hashed'"],
    text: [index({ a: 'text' }), "an index of type 'text'"],
    '2d': [index({ a: '2d' }), "an index of type '2d'"],
    '2dsphere': [index({ a: '2dsphere' }), "an index of type '2dsphere'"],
    wildcard: [index({ '$**': 1 }), 'a wildcard index'],
    'unique by `collMod`': [{ collMod: 'c', index: { name: 'a_1', unique: true } }, 'collMod of unique'],
  },
  'find options': {
    min: [find({}, { min: { _id: 1 }, hint: { _id: 1 } }), "the field 'find.min'"],
    max: [find({}, { max: { _id: 1 }, hint: { _id: 1 } }), "the field 'find.max'"],
    tailable: [find({}, { tailable: true }), 'find with tailable'],
    returnKey: [find({}, { returnKey: true }), 'find with returnKey'],
    showRecordId: [find({}, { showRecordId: true }), 'find with showRecordId'],
    'positional `$` of a projection': [
      find({ a: 1 }, { projection: { 'a.$': 1 } }),
      'the positional $ of a projection',
    ],
  },
  filters: {
    ...all('$where $text $geoWithin $near $jsonSchema $bitsAllSet', (name) =>
      name === '$geoWithin' || name === '$near' || name === '$bitsAllSet'
        ? [find({ a: { [name]: 1 } }), name]
        : [find({ [name]: {} }), name],
    ),
  },
  stages: all(
    '$graphLookup $bucketAuto $setWindowFields $densify $fill $redact $documents $collStats $indexStats $currentOp ' +
      '$listSessions $geoNear $search $vectorSearch',
    stage,
  ),
  'of stages': {
    '`$merge` on other fields than `_id`': [
      aggregate({ $merge: { into: 'x', on: 'a' } }),
      '$merge on fields other than _id',
    ],
    '`$merge` with a pipeline': [
      aggregate({ $merge: { into: 'x', whenMatched: [{ $set: { a: 1 } }] } }),
      '$merge with a pipeline as whenMatched',
    ],
  },
  accumulators: all(
    '$top $topN $bottom $bottomN $firstN $lastN $minN $maxN $stdDevPop $stdDevSamp $median $percentile $accumulator',
    accumulator,
  ),
  variables: {
    '`$$CLUSTER_TIME`': [aggregate({ $project: { x: '$$CLUSTER_TIME' } }), '$$CLUSTER_TIME'],
  },
  expressions: all(
    '$function $sin $cos $tan $asin $acos $atan $atan2 $sinh $cosh $tanh $degreesToRadians $radiansToDegrees $exp $ln $log ' +
      '$log10 $zip $sortArray $setEquals $firstN $lastN $minN $maxN $getField $regexFind $regexFindAll $indexOfArray ' +
      '$indexOfBytes $indexOfCP $strcasecmp $dateFromParts $dateToParts $bitAnd',
    expression,
  ),
  dates: {
    '`$dateFromString` with a format': [
      aggregate({ $project: { x: { $dateFromString: { dateString: '1', format: '%Y' } } } }),
      "'format' of $dateFromString",
    ],
    '`$dateTrunc` by weeks that begin on another day than Sunday': [
      aggregate({ $project: { x: { $dateTrunc: { date: '$$NOW', unit: 'week', startOfWeek: 'monday' } } } }),
      "'startOfWeek' of $dateTrunc",
    ],
    '`$dateToString` with the name of the month': [
      aggregate({ $project: { x: { $dateToString: { date: '$$NOW', format: '%B' } } } }),
      'the date format specifier %B',
    ],
  },
  commands: all('mapReduce currentOp killOp setParameter compact reIndex createUser dbHash top', command),
};
