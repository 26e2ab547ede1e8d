/* oxlint-disable unicorn/no-thenable -- `then` is a word of the language under test */
import { Binary, Decimal128, Double, ObjectId, Timestamp } from 'bson';
import { doc, fromPlain, toPlain, type Plain } from '../bson/plain.js';
import { UNDEFINED } from '../bson/type-of.js';
import { BDoc, type BValue } from '../bson/values.js';
import { compileExpression, evalContext } from './expression.js';

type Fields = { readonly [name: string]: Plain };
const dec = (text: string): Decimal128 => Decimal128.fromString(text);
const NOW = new Date('2024-05-06T07:08:09.123Z');
const ctx = { now: NOW, vars: new Map<string, BValue>([['v', 42]]) };
const MISSING = 'no value';

function evaluate(expression: Plain, fields: Fields = {}): BValue | undefined {
  return compileExpression(fromPlain(expression), ctx)(BDoc.fromBytes(doc(fields).toBytes()));
}

/** As bytes, so that types count. */
function bytes(value: BValue | undefined): string {
  return value === undefined ? MISSING : BDoc.of(['v', value]).toBytes().toString('latin1');
}

function expectValue(expression: Plain, fields: Fields, expected: Plain): void {
  const value = evaluate(expression, fields);
  const wanted = expected === MISSING ? undefined : fromPlain(expected);
  if (bytes(value) !== bytes(wanted))
    expect(value === undefined ? MISSING : toPlain(value)).toEqual(expected);
  expect(bytes(value)).toBe(bytes(wanted));
}

const d = (text: string): Date => new Date(text);
const D = d('2024-03-31T23:45:30.250Z');
const ID = new ObjectId('65f0c0de0000000000000000');

describe('paths, variables and literals', () => {
  test.each<[Plain, Fields, Plain]>([
    ['$a.b', { a: { b: 1 } }, 1],
    ['$a.b', { a: [{ b: 1 }, { c: 2 }, 5, { b: [3] }] }, [1, [3]]],
    ['$a.b', { a: [[{ b: 1 }]] }, []],
    ['$a.0', { a: [7] }, []],
    ['$a', {}, MISSING],
    ['$a.b', { a: 1 }, MISSING],
    ['$$ROOT', { a: 1 }, { a: 1 }],
    ['$$CURRENT.a', { a: 1 }, 1],
    ['$$REMOVE', {}, MISSING],
    ['$$NOW', {}, NOW],
    ['$$v', {}, 42],
    ['text', {}, 'text'],
    [{ $literal: '$a' }, { a: 1 }, '$a'],
    [{ x: '$a', y: '$missing', z: { q: '$a' } }, { a: 1 }, { x: 1, z: { q: 1 } }],
    [['$a', '$missing'], { a: 1 }, [1, null]],
    [{ $let: { vars: { x: '$a', y: 2 }, in: { $add: ['$$x', '$$y'] } } }, { a: 1 }, 3],
    [{ $let: { vars: { o: { p: 5 } }, in: '$$o.p' } }, {}, 5],
    [{ $let: { vars: { x: 1 }, in: { $let: { vars: { x: { $add: ['$$x', 1] } }, in: '$$x' } } } }, {}, 2],
  ])('%j on %j', expectValue);
});

describe('arithmetic', () => {
  test.each<[Plain, Plain]>([
    [{ $add: [1, 2n] }, 3n],
    [{ $add: [2147483647, 1] }, 2147483648n],
    [{ $add: [9223372036854775807n, 1] }, 9223372036854775808],
    [{ $add: [1, 0.5] }, 1.5],
    [{ $add: [1.5, 1.5] }, new Double(3)],
    [{ $add: [dec('0.1'), 1] }, dec('1.1')],
    [{ $add: [dec('1'), 0.1] }, dec('1.100000000000000')],
    [{ $add: [] }, 0],
    [{ $add: [1, null] }, null],
    [{ $add: [null, 'x'] }, null],
    [{ $add: [2147483647, 1, -1] }, 2147483647],
    [{ $add: [dec('1'), new Double(0)] }, dec('1')],
    [{ $add: [d('2024-01-01T00:00:00Z'), 0.5, 0.5] }, d('2024-01-01T00:00:00.002Z')],
    [{ $add: [0.5, 0.5, d('2024-01-01T00:00:00Z')] }, d('2024-01-01T00:00:00.001Z')],
    [{ $add: [d('2024-01-01T00:00:00Z'), 1500] }, d('2024-01-01T00:00:01.500Z')],
    [{ $subtract: [1, 3n] }, -2n],
    [{ $subtract: [d('2024-01-02T00:00:00Z'), d('2024-01-01T00:00:00Z')] }, 86400000n],
    [{ $subtract: [d('2024-01-02T00:00:00Z'), 1000] }, d('2024-01-01T23:59:59Z')],
    [{ $multiply: [100000, 100000] }, 10000000000n],
    [{ $multiply: [2, dec('1.50')] }, dec('3.00')],
    [{ $multiply: [100000, 100000, 0] }, 0],
    [{ $multiply: [null, 'x'] }, null],
    [{ $divide: [4, 2] }, new Double(2)],
    [{ $divide: [1n, 4] }, 0.25],
    [{ $divide: [dec('1'), 3] }, dec('0.3333333333333333333333333333333333')],
    [{ $mod: [-7, 3] }, -1],
    [{ $mod: [7n, 3] }, 1n],
    [{ $mod: [5.5, 2] }, 1.5],
    [{ $abs: -5 }, 5],
    [{ $abs: -5n }, 5n],
    [{ $abs: dec('-1.5') }, dec('1.5')],
    [{ $abs: -2147483648 }, 2147483648n],
    [{ $ceil: 1.2 }, new Double(2)],
    [{ $floor: -1.2 }, new Double(-2)],
    [{ $floor: dec('1.9') }, dec('1')],
    [{ $ceil: 5n }, 5n],
    [{ $round: [2.5] }, new Double(2)],
    [{ $round: [19.25, 1] }, 19.2],
    [{ $round: [1234, -2] }, 1200],
    [{ $round: [dec('2.675'), 2] }, dec('2.68')],
    [{ $round: [dec('1.5'), 2] }, dec('1.50')],
    [{ $round: [dec('1.5'), 100] }, dec('1.500000000000000000000000000000000')],
    [{ $round: [1.298, 100] }, 1.298],
    [{ $trunc: 1e40 }, 1e40],
    [{ $floor: [dec('1E+40')] }, dec('NaN')],
    [{ $round: -0.4 }, -0],
    [{ $ceil: -0.4 }, -0],
    [{ $floor: 1e300 }, 1e300],
    [{ $ceil: dec('1E+2') }, dec('100')],
    [{ $trunc: [-2.78, 1] }, -2.7],
    [{ $trunc: 5.9 }, new Double(5)],
    [{ $pow: [2, 10] }, 1024],
    [{ $pow: [2n, 40] }, 1099511627776n],
    [{ $pow: [2, 40] }, 1099511627776n],
    [{ $pow: [2, -1] }, 0.5],
    [{ $pow: [-1, -3] }, -1],
    [{ $pow: [1n, -2] }, 1n],
    [{ $sqrt: 9 }, new Double(3)],
    [{ $abs: null }, null],
    [{ $sum: [1, 2n, 'x', null] }, 3n],
    [{ $sum: '$list' }, 6],
    [{ $sum: [[1, 2], 3] }, 3],
    [{ $avg: [1, 2] }, 1.5],
    [{ $avg: ['x'] }, null],
    [{ $min: [3, 1n, null] }, 1n],
    [{ $max: '$list' }, 3],
  ])('%j', (expression, expected) => {
    expectValue(expression, { list: [1, 2, 3] }, expected);
  });
});

describe('comparison, logic and conditions', () => {
  test.each<[Plain, Plain]>([
    [{ $eq: [5, dec('5.00')] }, true],
    [
      {
        $eq: [
          { x: 1, y: 2 },
          { y: 2, x: 1 },
        ],
      },
      false,
    ],
    [{ $eq: ['$missing', null] }, false],
    [{ $gt: ['$a', null] }, true],
    [{ $lt: ['$missing', null] }, true],
    [{ $gt: [9007199254740993n, 9007199254740992] }, true],
    [{ $gt: ['\u{1f600}', '\ufffd'] }, true],
    [{ $gte: [[1], { x: 1 }] }, true],
    [{ $cmp: [1, 'a'] }, -1],
    [{ $ne: [1, 1n] }, false],
    [{ $and: [] }, true],
    [{ $and: [1, 'x', 0n] }, false],
    [{ $or: [null, dec('0'), '$missing'] }, false],
    [{ $or: [''] }, true],
    [{ $not: [[]] }, false],
    [{ $not: '$missing' }, true],
    [{ $cond: [0n, 'yes', 'no'] }, 'no'],
    [{ $cond: { if: NaN, then: 1, else: 2 } }, 1],
    [{ $cond: [true, '$missing', 1] }, MISSING],
    [{ $ifNull: ['$missing', null, 5] }, 5],
    [{ $ifNull: [UNDEFINED, 'x'] }, 'x'],
    [
      {
        $switch: {
          branches: [
            { case: false, then: 1 },
            { case: '$a', then: 2 },
          ],
          default: 3,
        },
      },
      2,
    ],
    [{ $switch: { branches: [{ case: false, then: 1 }], default: 3 } }, 3],
  ])('%j', (expression, expected) => {
    expectValue(expression, { a: 1 }, expected);
  });
});

describe('arrays, sets and documents', () => {
  test.each<[Plain, Plain]>([
    [{ $size: '$list' }, 3],
    [{ $size: { $literal: [] } }, 0],
    [{ $arrayElemAt: ['$list', -1] }, 3],
    [{ $arrayElemAt: ['$list', 9n] }, MISSING],
    [{ $arrayElemAt: [null, 0] }, null],
    [{ $first: '$list' }, 1],
    [{ $last: { $literal: [] } }, MISSING],
    [{ $slice: ['$list', 2] }, [1, 2]],
    [{ $slice: ['$list', -2] }, [2, 3]],
    [{ $slice: ['$list', 1, 1] }, [2]],
    [{ $slice: ['$list', -9, 2] }, [1, 2]],
    [{ $concatArrays: ['$list', [4]] }, [1, 2, 3, 4]],
    [{ $concatArrays: ['$list', null, 5] }, null],
    [{ $in: [2n, '$list'] }, true],
    [{ $in: [{ y: 1, x: 1 }, [{ x: 1, y: 1 }]] }, false],
    [{ $range: [0, 10, 4] }, [0, 4, 8]],
    [{ $range: [3, 0, -1] }, [3, 2, 1]],
    [{ $reverseArray: '$list' }, [3, 2, 1]],
    [{ $isArray: ['$list'] }, true],
    [{ $isArray: '$missing' }, false],
    [{ $filter: { input: '$list', as: 'n', cond: { $gt: ['$$n', 1] } } }, [2, 3]],
    [{ $filter: { input: null, cond: true } }, null],
    [{ $map: { input: '$list', in: { $multiply: ['$$this', '$a'] } } }, [10, 20, 30]],
    [
      {
        $map: {
          input: [[1], [2]],
          as: 'row',
          in: { $map: { input: '$$row', in: { $add: ['$$this', { $size: '$$row' }] } } },
        },
      },
      [[2], [3]],
    ],
    [{ $map: { input: ['$list'], in: '$$REMOVE' } }, [null]],
    [{ $reduce: { input: '$list', initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 6],
    [{ $allElementsTrue: [[1, 'x']] }, true],
    [{ $anyElementTrue: [[0n, null]] }, false],
    [
      {
        $setUnion: [
          [3, 2],
          [2n, 1],
        ],
      },
      [1, 2, 3],
    ],
    [
      {
        $setIntersection: [
          ['a', 2, 2],
          [dec('2.0'), 'a'],
        ],
      },
      [2, 'a'],
    ],
    [{ $setDifference: [[1, 2, 1], [2n]] }, [1]],
    [{ $setIsSubset: [[1], [1n, 2]] }, true],
    [{ $mergeObjects: [{ b: 1, a: 1 }, null, { a: 2 }] }, { b: 1, a: 2 }],
    [{ $mergeObjects: { $literal: [{ a: 1 }, null, { b: 2 }] } }, { a: 1, b: 2 }],
    [
      { $objectToArray: { b: 1, a: 2 } },
      [
        { k: 'b', v: 1 },
        { k: 'a', v: 2 },
      ],
    ],
    [
      {
        $arrayToObject: [
          [
            ['x', 1],
            ['y', 2],
          ],
        ],
      },
      { x: 1, y: 2 },
    ],
    [{ $arrayToObject: [[{ k: 'x', v: 1 }]] }, { x: 1 }],
    [{ $setField: { field: 'x.y', input: { a: 1 }, value: 2 } }, { a: 1, 'x.y': 2 }],
  ])('%j', (expression, expected) => {
    expectValue(expression, { list: [1, 2, 3], a: 10 }, expected);
  });
});

describe('strings', () => {
  test.each<[Plain, Plain]>([
    [{ $concat: ['a', 'b'] }, 'ab'],
    [{ $concat: ['a', null] }, null],
    [{ $toUpper: 'straße' }, 'STRAßE'],
    [{ $toLower: 'ÀB' }, 'Àb'],
    [{ $toUpper: null }, ''],
    [{ $toLower: 5n }, '5'],
    [{ $strLenBytes: 'é\u{1f600}' }, 6],
    [{ $strLenCP: 'é\u{1f600}' }, 2],
    [{ $substrBytes: ['hello', 1, 3] }, 'ell'],
    [{ $substr: ['hello', 2, -1] }, 'llo'],
    [{ $substrCP: ['\u{1f600}ab', 1, 1] }, 'a'],
    [{ $substrCP: [null, 0, 1] }, ''],
    [{ $split: ['a,b,', ','] }, ['a', 'b', '']],
    [{ $trim: { input: ' \u00a0a b\n' } }, 'a b'],
    [{ $ltrim: { input: 'xxyx', chars: 'x' } }, 'yx'],
    [{ $rtrim: { input: 'ab\u{1f600}', chars: '\u{1f600}' } }, 'ab'],
    [{ $trim: { input: null } }, null],
    [{ $trim: { input: ' a ', chars: '$missing' } }, null],
    [{ $replaceOne: { input: 'aaa', find: 'a', replacement: { $literal: '$&' } } }, '$&aa'],
    [{ $replaceAll: { input: 'a.a', find: '.', replacement: '-' } }, 'a-a'],
    [{ $replaceAll: { input: 'a', find: null, replacement: '' } }, null],
    [{ $regexMatch: { input: 'Hello', regex: '^h', options: 'i' } }, true],
    [{ $regexMatch: { input: null, regex: 'x' } }, false],
  ])('%j', (expression, expected) => {
    expectValue(expression, {}, expected);
  });
});

describe('types and conversions', () => {
  test.each<[Plain, Plain]>([
    [{ $type: '$missing' }, 'missing'],
    [{ $type: 5n }, 'long'],
    [{ $type: new Double(5) }, 'double'],
    [{ $type: ID }, 'objectId'],
    [{ $type: new Binary(Buffer.alloc(1)) }, 'binData'],
    [{ $type: { $literal: null } }, 'null'],
    [{ $type: UNDEFINED }, 'undefined'],
    [{ $isNumber: dec('1') }, true],
    [{ $toInt: '42' }, 42],
    [{ $toInt: 5.9 }, 5],
    [{ $toInt: true }, 1],
    [{ $toInt: null }, null],
    [{ $toLong: dec('9007199254740993.7') }, 9007199254740993n],
    [{ $toLong: d('1970-01-01T00:00:01Z') }, 1000n],
    [{ $toDouble: '5' }, new Double(5)],
    [{ $toDouble: '-inf' }, -Infinity],
    [{ $toDecimal: 2.5 }, dec('2.50000000000000')],
    [{ $toDecimal: 5 }, dec('5')],
    [{ $toDecimal: new Double(0) }, dec('0')],
    [{ $toDecimal: 100000000000000.5 }, dec('100000000000000')],
    [{ $toDecimal: '1.20' }, dec('1.20')],
    [{ $toString: new Double(5) }, '5'],
    [{ $toString: 9223372036854775807n }, '9223372036854775807'],
    [{ $toString: dec('1.50') }, '1.50'],
    [{ $toString: ID }, '65f0c0de0000000000000000'],
    [{ $toString: D }, '2024-03-31T23:45:30.250Z'],
    [{ $toString: true }, 'true'],
    [{ $toString: 123456.789 }, '123457'],
    [{ $toString: new Double(1000000) }, '1e+06'],
    [{ $toString: new Double(1234565) }, '1.23456e+06'],
    [{ $toString: -0.00001 }, '-1e-05'],
    [{ $toString: 1e300 }, '1e+300'],
    [{ $toString: 5e-324 }, '4.94066e-324'],
    [{ $toString: 0.30000000000000004 }, '0.3'],
    [{ $toInt: dec('2147483647.5') }, 2147483647],
    [{ $toBool: 0n }, false],
    [{ $toBool: 'false' }, true],
    [{ $toBool: { $literal: [] } }, true],
    [{ $toBool: { $literal: {} } }, true],
    [{ $toDate: '2024-03-31' }, d('2024-03-31T00:00:00Z')],
    [{ $toDate: 1000n }, d('1970-01-01T00:00:01Z')],
    [{ $toDate: ID }, ID.getTimestamp()],
    [{ $toDate: new Timestamp({ t: 5, i: 1 }) }, d('1970-01-01T00:00:05Z')],
    [{ $toObjectId: '65f0c0de0000000000000000' }, ID],
    [{ $convert: { input: 'x', to: 'int', onError: 'bad' } }, 'bad'],
    [{ $convert: { input: '$missing', to: 'int', onNull: 0 } }, 0],
    [{ $convert: { input: 5, to: 2 } }, '5'],
    [{ $convert: { input: 5, to: null } }, null],
  ])('%j', (expression, expected) => {
    expectValue(expression, {}, expected);
  });
});

describe('dates', () => {
  const berlin = '+02:00';
  test.each<[Plain, Plain]>([
    [{ $year: D }, 2024],
    [{ $month: { date: D, timezone: berlin } }, 4],
    [{ $dayOfMonth: { date: D, timezone: '-05:00' } }, 31],
    [{ $hour: { date: D, timezone: berlin } }, 1],
    [{ $hour: ID }, ID.getTimestamp().getUTCHours()],
    [{ $minute: D }, 45],
    [{ $second: D }, 30],
    [{ $millisecond: D }, 250],
    [{ $dayOfWeek: D }, 1],
    [{ $isoDayOfWeek: D }, 7],
    [{ $dayOfYear: D }, 91],
    [{ $week: D }, 13],
    [{ $week: d('2023-01-01T00:00:00Z') }, 1],
    [{ $week: d('2024-01-01T00:00:00Z') }, 0],
    [{ $isoWeek: D }, 13],
    [{ $isoWeekYear: d('2024-12-30T00:00:00Z') }, 2025n],
    [{ $dayOfMonth: { date: D, timezone: 'Europe/Berlin' } }, 1],
    [{ $hour: { date: d('2024-01-01T00:00:00Z'), timezone: 'Europe/Berlin' } }, 1],
    [{ $dateToString: { date: d('2024-12-30T00:00:00Z'), format: '%G-W%V-%u' } }, '2025-W01-1'],
    [
      { $dateFromString: { dateString: '2024-07-01T00:00', timezone: 'America/New_York' } },
      d('2024-07-01T04:00:00Z'),
    ],
    [
      {
        $dateAdd: { startDate: d('2024-03-30T11:00:00Z'), unit: 'day', amount: 1, timezone: 'Europe/Berlin' },
      },
      d('2024-03-31T10:00:00Z'),
    ],
    [{ $dateTrunc: { date: D, unit: 'month', timezone: 'Europe/Berlin' } }, d('2024-03-31T22:00:00Z')],
    [{ $year: null }, null],
    [{ $dateToString: { date: D } }, '2024-03-31T23:45:30.250Z'],
    [{ $dateToString: { date: D, timezone: berlin } }, '2024-04-01T01:45:30.250'],
    [{ $dateToString: { date: D, timezone: '+00:00' } }, '2024-03-31T23:45:30.250Z'],
    [{ $dateToString: { date: D, timezone: '-03:30', format: '%U %w %Z%%' } }, '13 1 -210%'],
    [{ $dateToString: { date: D, timezone: '+0430', format: '%Z' } }, '+270'],
    [
      {
        $dateToString: {
          date: D,
          format: '%d.%m.%Y %H:%M:%S.%L %j %z %%',
          timezone: '+0530',
        },
      },
      '01.04.2024 05:15:30.250 092 +0530 %',
    ],
    [{ $dateToString: { date: null, onNull: 'none' } }, 'none'],
    [{ $dateToString: { date: '$missing' } }, null],
    [{ $dateFromString: { dateString: '2024-03-31T23:45:30.250Z' } }, D],
    [{ $dateFromString: { dateString: '2024-03-31 01:30', timezone: '-03:00' } }, d('2024-03-31T04:30:00Z')],
    [{ $dateFromString: { dateString: '2024-03-31T01:00+02:00' } }, d('2024-03-30T23:00:00Z')],
    [{ $dateFromString: { dateString: null, onNull: 1 } }, 1],
    [
      { $dateAdd: { startDate: d('2024-01-31T12:00:00Z'), unit: 'month', amount: 1 } },
      d('2024-02-29T12:00:00Z'),
    ],
    [
      { $dateAdd: { startDate: d('2024-02-29T00:00:00Z'), unit: 'year', amount: 1 } },
      d('2025-02-28T00:00:00Z'),
    ],
    [
      { $dateAdd: { startDate: d('2024-03-30T11:00:00Z'), unit: 'day', amount: 1, timezone: berlin } },
      d('2024-03-31T11:00:00Z'),
    ],
    [
      { $dateAdd: { startDate: d('2024-03-30T11:00:00Z'), unit: 'hour', amount: 24, timezone: berlin } },
      d('2024-03-31T11:00:00Z'),
    ],
    [
      { $dateSubtract: { startDate: d('2024-03-31T00:00:00Z'), unit: 'quarter', amount: 1 } },
      d('2023-12-31T00:00:00Z'),
    ],
    [
      {
        $dateDiff: { startDate: d('2023-12-31T23:59:59Z'), endDate: d('2024-01-01T00:00:00Z'), unit: 'year' },
      },
      1n,
    ],
    [
      {
        $dateDiff: { startDate: d('2024-01-06T00:00:00Z'), endDate: d('2024-01-07T00:00:00Z'), unit: 'week' },
      },
      1n,
    ],
    [
      {
        $dateDiff: {
          startDate: d('2024-01-01T00:00:00.999Z'),
          endDate: d('2024-01-01T00:00:01Z'),
          unit: 'second',
        },
      },
      1n,
    ],
    [
      {
        $dateDiff: { startDate: d('2024-01-01T10:59:00Z'), endDate: d('2024-01-01T09:01:00Z'), unit: 'hour' },
      },
      -1n,
    ],
    [{ $dateDiff: { startDate: D, endDate: d('2024-04-01T00:00:00Z'), unit: 'day', timezone: berlin } }, 0n],
    [{ $dateTrunc: { date: D, unit: 'day' } }, d('2024-03-31T00:00:00Z')],
    [{ $dateTrunc: { date: D, unit: 'day', timezone: berlin } }, d('2024-03-31T22:00:00Z')],
    [{ $dateTrunc: { date: D, unit: 'week' } }, d('2024-03-31T00:00:00Z')],
    [{ $dateTrunc: { date: D, unit: 'quarter' } }, d('2024-01-01T00:00:00Z')],
    [{ $dateTrunc: { date: D, unit: 'month', binSize: 4 } }, d('2024-01-01T00:00:00Z')],
    [{ $dateTrunc: { date: D, unit: 'minute', binSize: 15 } }, d('2024-03-31T23:45:00Z')],
    [
      { $dateTrunc: { date: d('1999-12-31T23:59:00Z'), unit: 'hour', binSize: 2 } },
      d('1999-12-31T22:00:00Z'),
    ],
    [{ $dateTrunc: { date: null, unit: 'day' } }, null],
  ])('%j', (expression, expected) => {
    expectValue(expression, {}, expected);
  });
});

describe('an expression that cannot be answered', () => {
  test.each<[Plain, number]>([
    [{ $foo: 1 }, 168],
    [{ $function: {} }, 115],
    [{ $meta: 'textScore' }, 115],
    ['$$nope', 17276],
    [{ a: 1, $add: [1] }, 16410],
    [{ $add: [1], a: 1 }, 15983],
    ['$', 16872],
    [{ '': 1 }, 15998],
    ['$a..b', 15998],
    ['$a.', 40353],
    [{ $add: ['x'] }, 14],
    [{ $add: [NOW, NOW] }, 16612],
    [{ $subtract: [1] }, 16020],
    [{ $divide: [1, 0] }, 2],
    [{ $mod: [1, 0] }, 16610],
    [{ $sqrt: -1 }, 28714],
    [{ $sqrt: dec('2') }, 115],
    [{ $pow: [0, -1] }, 28764],
    [{ $abs: 'x' }, 28765],
    [{ $size: '$missing' }, 17124],
    [{ $arrayElemAt: ['x', 0] }, 28689],
    [{ $in: [1, 'x'] }, 40081],
    [{ $range: [0, 1, 0] }, 34449],
    [{ $range: [0, 2147483647] }, 146],
    [{ $range: [0, -2147483648, -1] }, 146],
    [{ $range: [0, 1e10] }, 34446],
    [{ $range: [null, 1] }, 34443],
    [{ $range: [0, 1, '$missing'] }, 34447],
    [{ $slice: [[1], 'x'] }, 28725],
    [{ $slice: [[1], 1, 1.5] }, 28728],
    [{ $slice: [[1], 1, 0] }, 28729],
    [{ $arrayElemAt: [[1], 1.5] }, 28691],
    [{ $concatArrays: [5, null] }, 28664],
    [{ $setUnion: [5, null] }, 17043],
    [{ $setIntersection: [5, null] }, 17047],
    [{ $concat: [5, null] }, 16702],
    [{ $add: ['x', null] }, 14],
    [{ $multiply: ['x', null] }, 14],
    [{ $substrCP: ['x', 1.5, 1] }, 34451],
    [{ $substrBytes: ['é', 0, 1] }, 28657],
    [{ $replaceOne: { input: 'x', find: 5, replacement: 'x' } }, 51745],
    [{ $filter: { input: [], cond: true, foo: 1 } }, 28647],
    [{ $filter: 5 }, 28646],
    [{ $cond: { if: 1, then: 1 } }, 17082],
    [{ $reduce: { input: [], in: 1 } }, 40078],
    [{ $switch: {} }, 40068],
    [{ $switch: { branches: [{ then: 1 }] } }, 40064],
    [{ $dateToString: {} }, 18628],
    [{ $convert: { input: 1 } }, 9],
    [{ $map: { input: 5, in: 1 } }, 16883],
    [{ $mergeObjects: [5] }, 40400],
    [{ $switch: { branches: [{ case: false, then: 1 }] } }, 40066],
    [{ $cond: [1, 2] }, 16020],
    [{ $concat: [5] }, 16702],
    [{ $split: ['a', ''] }, 40087],
    [{ $toLower: [[1]] }, 16007],
    [{ $toInt: 'x' }, 241],
    [{ $toInt: '1.5' }, 241],
    [{ $toInt: 3000000000n }, 241],
    [{ $toLong: NaN }, 241],
    [{ $toObjectId: 'zz' }, 241],
    [{ $toDate: 5 }, 241],
    [{ $convert: { input: 1, to: 'foo' } }, 2],
    [{ $convert: { input: 1, to: 'binData' } }, 115],
    [{ $year: 'x' }, 16006],
    [{ $year: { date: D, timezone: '2 o clock' } }, 40485],
    [{ $year: { date: D, timezone: 'Europe/Nowhere' } }, 40485],
    [{ $dateToParts: { date: D } }, 115],
    [{ $dateFromString: { dateString: '31/03/2024', format: '%d/%m/%Y' } }, 115],
    [{ $mod: [dec('5.5'), 2] }, 115],
    [{ $sin: 0 }, 115],
    [{ $zip: {} }, 115],
    [{ $sortArray: {} }, 115],
    [{ $setEquals: {} }, 115],
    [{ $firstN: {} }, 115],
    [{ $regexFind: {} }, 115],
    [{ $getField: {} }, 115],
    [{ $dateFromParts: {} }, 115],
    [{ $strcasecmp: {} }, 115],
    [{ $indexOfArray: {} }, 115],
    [{ $ln: {} }, 115],
    [{ $log: {} }, 115],
    [{ $filter: { input: [1], cond: true, limit: 1 } }, 115],
    [{ $dateTrunc: { date: D, unit: 'week', startOfWeek: 'mon' } }, 115],
    [{ $dateFromString: { dateString: 'x', onError: 1 } }, 115],
    [{ $dateToString: { date: D, format: '%B' } }, 115],
    [{ $setField: { field: '$x', input: {}, value: 1 } }, 4161108],
    [{ $setField: { field: { $concat: ['a'] }, input: {}, value: 1 } }, 4161106],
    [{ $setField: { field: 5, input: {}, value: 1 } }, 4161107],
    [{ $setField: { field: 'a', input: {} } }, 4161103],
    [{ $degreesToRadians: 180 }, 115],
    [{ $stdDevPop: [1, 3] }, 115],
    [{ $indexOfBytes: ['a', 'a'] }, 115],
    [{ $dateToString: { date: D, format: '%q' } }, 18536],
    [{ $dateToString: { date: D, format: '%' } }, 18535],
    [{ $toString: new Date(8.64e15) }, 18537],
    [{ $toInt: 2147483647.5 }, 241],
    [{ $toInt: -2147483648.5 }, 241],
    [{ $toDecimal: '1e7000' }, 241],
    [{ $toDecimal: '1e-7000' }, 241],
    [{ $toDecimal: '1e-999999999' }, 241],
    [{ $toDouble: '1e7000' }, 241],
    [{ $toDouble: dec('1E-400') }, 241],
    [{ $setIsSubset: [1, 2] }, 17046],
    [{ $setDifference: [1, 2] }, 17048],
    [{ $divide: ['x', 0] }, 14],
    [{ $mod: ['x', 0] }, 16611],
    [{ $arrayToObject: { $literal: [['a', 1], { k: 'b', v: 2 }] } }, 40396],
    [{ $arrayToObject: { $literal: [{ k: 'b', v: 2 }, ['a', 1]] } }, 40391],
    [{ $arrayToObject: { $literal: [[1, 2]] } }, 40395],
    [{ $arrayToObject: { $literal: [['a']] } }, 40397],
    [{ $arrayToObject: { $literal: [{ k: 'a', w: 2 }] } }, 40393],
    [{ $arrayToObject: { $literal: [{ k: 'a' }] } }, 40392],
    [{ $arrayToObject: { $literal: [{ k: 1, v: 2 }] } }, 40394],
    [{ $dateFromString: { dateString: 'x' } }, 241],
    [{ $dateFromString: { dateString: 'June 1 2024' } }, 115],
    [{ $dateTrunc: { date: D, unit: 'eon' } }, 9],
    [{ $dateAdd: { startDate: D, unit: 'day', amount: 1.5 } }, 5166405],
    [{ $regexMatch: { input: 'x', regex: '(' } }, 51091],
    [{ $let: { vars: { X: 1 }, in: 1 } }, 9],
    [{ $let: { vars: { CURRENT: '$a' }, in: '$b' } }, 115],
    [{ $convert: { input: 1, to: { type: 'binData', subtype: 0 } } }, 115],
    [{ $ifNull: [1] }, 1257300],
  ])('%j fails with code %d', (expression, code) => {
    expect(() => evaluate(expression)).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('an object that names a field twice fails with code 16406', () => {
    const twice = BDoc.fromEntries([
      ['a', 1],
      ['a', 2],
    ]);
    expect(() => compileExpression(twice, ctx)).toThrow(expect.objectContaining({ code: 16406 }) as Error);
  });

  test('$rand lies between 0 and 1 and changes', () => {
    const draws = Array.from({ length: 20 }, () => evaluate({ $rand: {} }) as number);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    expect(new Set(draws).size).toBeGreaterThan(1);
  });
});

describe("the variables of a command's let", () => {
  const variables = (definitions: Fields) => evalContext(doc(definitions)).vars;

  test('are expressions, each of which sees those before it', () => {
    const vars = variables({
      v: 42,
      x: { $literal: '$bar' },
      y: { $add: [1, '$$v'] },
      z: { $multiply: ['$$y', 2] },
      at: '$$NOW',
      none: '$$REMOVE',
    });
    expect([...vars]).toEqual([
      ['v', 42],
      ['x', '$bar'],
      ['y', 43],
      ['z', 86],
      ['at', expect.any(Date)],
      ['none', undefined],
    ]);
  });

  test('are computed once, not for each document', () => {
    const [[, draw]] = [...variables({ draw: { $rand: {} } })] as [[string, BValue]];
    expect(draw).toEqual(expect.any(Number));
  });

  test.each<[Fields, number]>([
    [{ x: '$field' }, 4890500],
    [{ x: '$$ROOT.field' }, 4890500],
    [{ x: { $add: ['$a', 1] } }, 4890500],
    [{ x: '$$y' }, 17276],
    [{ X: 1 }, 9],
  ])('%j fails with code %d', (definitions, code) => {
    expect(() => variables(definitions)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
