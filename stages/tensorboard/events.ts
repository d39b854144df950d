import { ProtoMessage } from '#stages/onnx/wire.ts';
import { fieldsOf } from '#stages/onnx/wire-reader.ts';
import type { Histogram } from './histogram.ts';

/** What is shown at one step: a number or a histogram by tag, such as `train/loss`. */
export type Summaries = Readonly<Record<string, number | Histogram>>;

/** The event that every file begins with. Times are seconds since 1970. */
export function versionEvent(wallTime: number): Uint8Array {
  return event(wallTime, 0).text(FILE_VERSION, 'brain.Event:2').finish();
}

/** All summaries of one step as one event (tensorflow/core/util/event.proto and summary.proto). */
export function summaryEvent(wallTime: number, step: number, summaries: Summaries): Uint8Array {
  const summary = new ProtoMessage();
  for (const [tag, value] of Object.entries(summaries)) {
    const message = new ProtoMessage().text(1, tag);
    if (typeof value === 'number') message.float(2, value);
    else message.message(5, histogramMessage(value));
    summary.message(1, message);
  }
  return event(wallTime, step).message(SUMMARY, summary).finish();
}

/** The step of an event, and the tag of its first summary; the empty string where it has none. */
export function placeOfEvent(bytes: Buffer): { readonly step: number; readonly tag: string } {
  const source = {
    size: bytes.length,
    read: (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
  let [step, tag] = [0, ''];
  const within = (field: { offset: number; length: number }, number: number) =>
    [...fieldsOf(source, field.offset, field.offset + field.length)].find(
      (one) => one.number === number,
    );
  for (const field of fieldsOf(source, 0, bytes.length)) {
    if (field.number === STEP) step = Number(field.value);
    if (field.number !== SUMMARY) continue;
    const first = within(field, 1);
    const name = first && within(first, 1);
    if (name !== undefined) tag = bytes.toString('utf8', name.offset, name.offset + name.length);
  }
  return { step, tag };
}

function event(wallTime: number, step: number): ProtoMessage {
  return new ProtoMessage().double(WALL_TIME, wallTime).int(STEP, step);
}

function histogramMessage(histogram: Histogram): ProtoMessage {
  const { min, max, count, sum, sumOfSquares, limits, counts } = histogram;
  return new ProtoMessage()
    .double(1, min)
    .double(2, max)
    .double(3, count)
    .double(4, sum)
    .double(5, sumOfSquares)
    .doubles(6, limits)
    .doubles(7, counts);
}

const WALL_TIME = 1;
const STEP = 2;
const FILE_VERSION = 3;
const SUMMARY = 5;
