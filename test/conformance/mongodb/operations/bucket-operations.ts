import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import type { Document, GridFSBucket, ObjectId } from 'mongodb';
import type { Arguments } from './arguments.js';

type BucketOperation = (bucket: GridFSBucket, args: Arguments) => Promise<unknown>;

export const bucketOperations: Record<string, BucketOperation> = {
  delete: (bucket, args) => bucket.delete(args.required<ObjectId>('id')),
  rename: (bucket, args) =>
    bucket.rename(args.required<ObjectId>('id'), args.required<string>('newFilename')),
  download: (bucket, args) =>
    buffer(bucket.openDownloadStream(args.required<ObjectId>('id'), args.options())),
  downloadByName: (bucket, args) =>
    buffer(bucket.openDownloadStreamByName(args.required<string>('filename'), args.options())),
  upload: async (bucket, args) => {
    const source = args.required('source');
    const stream = bucket.openUploadStream(args.required<string>('filename'), uploadOptions(args));
    stream.end(Buffer.from(source['$$hexBytes'], 'hex'));
    await finished(stream);
    return stream.id;
  },
};

/** The driver has never computed MD5 sums since version 5, so there is nothing to switch off. */
function uploadOptions(args: Arguments): Document {
  const { disableMD5: _, ...options } = args.options();
  return options;
}
