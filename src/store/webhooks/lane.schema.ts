import { Schema } from 'mongoose';

/** The lease of a lane: one owner reads its due rows. No wall clocks are compared (see lane.repository.ts). */
export interface LaneRow {
  _id: string;
  owner: string | null;
  /** Fencing number: grows with every change of owner. */
  epoch: number;
  /** Grows with every renewal. */
  beat: number;
  /** Where the owner takes "there is work" hints, e.g. `http://127.0.0.1:41234/hint/p0`. */
  hintUrl: string | null;
}

export const laneSchema = new Schema<LaneRow>(
  {
    _id: { type: String, required: true },
    owner: { type: String, default: null },
    epoch: { type: Number, required: true },
    beat: { type: Number, required: true },
    hintUrl: { type: String, default: null },
  },
  { collection: 'wh_lanes', versionKey: false },
);
