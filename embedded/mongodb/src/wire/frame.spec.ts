import {
  FrameReader,
  HEADER_BYTES,
  MAX_MESSAGE_BYTES,
  OP_MSG,
  ProtocolError,
  writeHeader,
} from './message.js';

function frame(requestId: number, bodyBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + bodyBytes, requestId);
  writeHeader(bytes, requestId, 0, OP_MSG);
  return bytes;
}

test.each([1, 3, 15, 16, 17, 1000])('frames are cut rightly from chunks of %i bytes', (size) => {
  const stream = Buffer.concat([frame(1, 0), frame(2, 5), frame(3, 100)]);
  const reader = new FrameReader();
  const frames = [];
  for (let at = 0; at < stream.length; at += size)
    frames.push(...reader.push(stream.subarray(at, at + size)));
  expect(frames.map(({ requestId, message }) => [requestId, message.length])).toEqual([
    [1, 16],
    [2, 21],
    [3, 116],
  ]);
});

test.each([15, -1, MAX_MESSAGE_BYTES + 1])(
  'a header that claims %i bytes is refused before anything is kept',
  (length) => {
    const header = Buffer.alloc(4);
    header.writeInt32LE(length);
    expect(() => new FrameReader().push(Buffer.concat([header, Buffer.alloc(12)]))).toThrow(ProtocolError);
  },
);

test('a message of the largest size is accepted', () => {
  const bytes = frame(1, MAX_MESSAGE_BYTES - HEADER_BYTES);
  expect(new FrameReader().push(bytes)).toHaveLength(1);
});
