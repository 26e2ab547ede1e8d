// Preloaded into a worker, for a negative control: keeps every piece of an answer that undici reads.
import { channel } from 'node:diagnostics_channel';

const kept = [];
channel('undici:request:bodyChunkReceived').subscribe(({ chunk }) => kept.push(chunk));
