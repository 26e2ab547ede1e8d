import mongoose from 'mongoose';
import { Dice } from '../../support/seeded-random.js';

const { Decimal128, Double, Int32, Long } = mongoose.mongo.BSON;

type Document = mongoose.mongo.Document;

/** Few values of many types, so that filters meet something and numbers of different types meet each other. */
const VALUES: readonly unknown[] = [
  ...[-1, 0, 1, 2, 3].map((n) => new Int32(n)),
  ...[1, 2.5, -0.5].map((n) => new Double(n)),
  ...[Long.fromNumber(2), Long.fromString('9007199254740993')],
  ...['1', '2.50', '-7'].map((text) => Decimal128.fromString(text)),
  ...['', 'a', 'ab', 'B', '\u{1f600}', null, true, false, new Date(0), new Date(86_400_000)],
];
const PATHS = ['a', 'b', 'c', 'a.b', 'a.c', 'b.0'] as const;
const FIELDS = ['a', 'b', 'c'] as const;
const IDS = 200;

/**
 * Commands on one collection out of a seed. Where MongoDB leaves open which document is taken, the command names one by
 * its `_id` or takes all.
 */
export class RandomOperations {
  private readonly dice: Dice;

  constructor(
    seed: number,
    private readonly collection: string,
  ) {
    this.dice = new Dice(seed);
  }

  next(): Document {
    const { dice, collection } = this;
    const makers: (() => Document)[] = [
      () => ({ insert: collection, documents: [this.document()] }),
      () => ({
        insert: collection,
        documents: [this.document(), this.document()],
        ordered: dice.chance(0.5),
      }),
      () => ({ update: collection, updates: [this.updateStatement()] }),
      () => ({ update: collection, updates: [this.updateStatement()] }),
      () => ({ delete: collection, deletes: [{ q: { _id: this.id() }, limit: 1 }] }),
      () => ({
        delete: collection,
        deletes: [{ q: { ...this.filter(), _id: { $lt: dice.below(9) } }, limit: 0 }],
      }),
      () => ({ findAndModify: collection, query: this.filter(), sort: { _id: 1 }, ...this.change() }),
      () => ({ find: collection, filter: this.filter(), batchSize: 1_000, ...this.projection() }),
      () => ({ find: collection, filter: this.filter(), batchSize: 1_000, sort: this.sort() }),
      () => ({ find: collection, filter: this.filter(), sort: this.sort(), limit: 5, skip: dice.below(4) }),
      () => ({ count: collection, query: this.filter() }),
      () => ({ distinct: collection, key: dice.pick(PATHS), query: this.filter() }),
      () => ({ aggregate: collection, pipeline: this.pipeline(), cursor: { batchSize: 1_000 } }),
    ];
    if (dice.chance(0.01)) return this.changeOfIndexes();
    return dice.pick(makers)();
  }

  private id(): number {
    return this.dice.below(IDS);
  }

  private value(depth = 0): unknown {
    const { dice } = this;
    if (depth < 2 && dice.chance(0.15))
      return Array.from({ length: dice.below(4) }, () => this.value(depth + 1));
    if (depth < 2 && dice.chance(0.15)) return { b: this.value(depth + 1), c: this.value(depth + 1) };
    return dice.pick(VALUES);
  }

  private document(): Document {
    const fields = FIELDS.filter(() => this.dice.chance(0.8)).map((name) => [name, this.value()]);
    return { _id: this.id(), ...Object.fromEntries(fields) };
  }

  private condition(): unknown {
    const { dice } = this;
    const plain = (): unknown => dice.pick(VALUES);
    const makers: (() => unknown)[] = [
      () => this.value(),
      () => ({ [dice.pick(['$gt', '$gte', '$lt', '$lte', '$ne', '$eq'])]: plain() }),
      () => ({ $gt: plain(), $lte: plain() }),
      () => ({ [dice.pick(['$in', '$nin'])]: [plain(), plain(), this.value()] }),
      () => ({ $exists: dice.chance(0.5) }),
      () => ({
        $type: dice.pick(['int', 'double', 'long', 'decimal', 'number', 'string', 'array', 'object', 'null']),
      }),
      () => ({ $size: dice.below(3) }),
      () => ({ $not: { $gt: plain() } }),
      () => ({ $elemMatch: { $gte: plain() } }),
      () => ({ $all: [plain(), plain()] }),
      () => ({ $mod: [2, 1] }),
    ];
    return dice.pick(makers)();
  }

  private filter(depth = 0): Document {
    const { dice } = this;
    if (dice.chance(0.1)) return { _id: this.id() };
    if (depth < 2 && dice.chance(0.2))
      return { [dice.pick(['$or', '$and', '$nor'])]: [this.filter(depth + 1), this.filter(depth + 1)] };
    const paths = PATHS.filter(() => dice.chance(0.2));
    return Object.fromEntries((paths.length > 0 ? paths : ['a']).map((path) => [path, this.condition()]));
  }

  /** Ends in `_id`, so that the order is whole. */
  private sort(): Document {
    const { dice } = this;
    return { [dice.pick(PATHS)]: dice.chance(0.5) ? 1 : -1, _id: dice.chance(0.5) ? 1 : -1 };
  }

  private projection(): Document {
    const { dice } = this;
    const keep = dice.below(3);
    if (keep === 2) return {};
    return {
      projection: Object.fromEntries([dice.pick(FIELDS), dice.pick(FIELDS)].map((path) => [path, keep])),
    };
  }

  private updateStatement(): Document {
    const upsert = this.dice.chance(0.2);
    if (this.dice.chance(0.5)) return { q: { _id: this.id() }, u: this.update(), upsert };
    return { q: { ...this.filter(), _id: { $gte: this.id() } }, u: this.update(), multi: true };
  }

  private update(): Document {
    const { dice } = this;
    const path = dice.pick(PATHS);
    const makers: (() => Document)[] = [
      () => ({ $set: { [path]: this.value() } }),
      () => ({ $unset: { [path]: '' } }),
      () => ({
        [dice.pick(['$inc', '$mul'])]: {
          [path]: dice.pick([new Int32(2), new Double(0.5), Long.fromNumber(3)]),
        },
      }),
      () => ({ [dice.pick(['$min', '$max'])]: { [path]: dice.pick(VALUES) } }),
      () => ({ [dice.pick(['$push', '$addToSet', '$pull'])]: { [path]: this.value(1) } }),
      () => ({ $push: { [path]: { $each: [this.value(1), this.value(1)], $slice: -3, $position: 0 } } }),
      () => ({ $pop: { [path]: dice.chance(0.5) ? 1 : -1 } }),
      () => ({ $rename: { a: 'c' } }),
    ];
    return dice.pick(makers)();
  }

  private change(): Document {
    const { dice } = this;
    return dice.chance(0.2) ? { remove: true } : { update: this.update(), new: dice.chance(0.5) };
  }

  private pipeline(): Document[] {
    const { dice } = this;
    const field = `$${dice.pick(FIELDS)}`;
    const makers: (() => Document[])[] = [
      () => [{ $group: { _id: field, n: { $sum: 1 } } }],
      () => [{ $group: { _id: { $type: field }, low: { $min: '$_id' }, high: { $max: '$a' } } }],
      () => [{ $unwind: { path: field, preserveNullAndEmptyArrays: dice.chance(0.5) } }],
      () => [{ $project: { x: { $cond: [{ $gt: [field, dice.pick(VALUES)] }, 'above', 'below'] } } }],
      () => [{ $addFields: { x: { $ifNull: [field, 'none'] }, y: { $isArray: field } } }],
      () => [{ $sort: this.sort() }, { $limit: 7 }],
    ];
    return [{ $match: this.filter() }, ...dice.pick(makers)()];
  }

  private changeOfIndexes(): Document {
    const { dice, collection } = this;
    const path = dice.pick(PATHS);
    if (dice.chance(0.3)) return { dropIndexes: collection, index: '*' };
    return { createIndexes: collection, indexes: [{ key: { [path]: 1 }, name: `${path}_1` }] };
  }
}
