import { answerHeaders, shownHeaders } from './shown-headers.js';

describe('headers kept with an attempt', () => {
  it('never hold the value of a sensitive header', () => {
    const shown = shownHeaders({ 'x-plant': '7', authorization: 'Bearer planted', 'x-api-key': 'planted' });
    expect(shown).toEqual({ headers: { 'x-plant': '7' }, sensitive: ['authorization', 'x-api-key'] });
    expect(shownHeaders({})).toEqual({});
  });

  it('of the answer keep repeats, and mask what a receiver would not want shown', () => {
    expect(
      answerHeaders({ via: ['a', 'b'], 'set-cookie': ['sid=planted'], date: 'today', x: undefined }),
    ).toEqual({
      answerHeaders: [
        ['via', 'a'],
        ['via', 'b'],
        ['set-cookie', '***'],
        ['date', 'today'],
      ],
    });
  });
});
