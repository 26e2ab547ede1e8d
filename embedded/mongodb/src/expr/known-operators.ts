/** Expressions of MongoDB 8.0 that this server refuses as unsupported rather than as unknown. */
export const KNOWN_OPERATORS: ReadonlySet<string> = new Set(
  (
    '$accumulator $function $meta $toHashedIndexKey $percentile $median $tsIncrement $tsSecond $binarySize $bsonSize ' +
    '$encStrContains $toUUID $sigmoid $bitAnd $bitOr $bitXor $bitNot'
  ).split(' '),
);
