/**
 * The first second of speech in a WAV file as [40, 16] levels: every 25 ms, in 16 bands of the mel scale.
 * 20 is the loudest of the second, a level less is 3 dB less, 0 is all that is 60 dB below it. Undefined
 * where less than a second follows the first sound.
 */
export function logMel(wav: Buffer): number[][] | undefined {
  const sound = samplesOf(wav);
  const start = sound.findIndex((sample) => Math.abs(sample) > 0.03);
  if (start < 0 || start + HOP * (STEPS - 1) + SIZE > sound.length) return undefined;
  const decibels = Array.from({ length: STEPS }, (_, step) => {
    const from = start + HOP * step;
    return bandsOf(powerOf(sound.subarray(from, from + SIZE)));
  });
  const loudest = Math.max(...decibels.flat());
  const levelOf = (decibel: number) => Math.max(0, Math.round(20 + (decibel - loudest) / 3));
  return decibels.map((bands) => bands.map(levelOf));
}

/** From -1 to 1. */
function samplesOf(wav: Buffer): Float64Array {
  const [channels, rate, bits] = [wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt16LE(34)];
  if (channels !== 1 || rate !== RATE || bits !== 16) {
    throw new Error(
      `${channels} channels, ${rate} Hz, ${bits} bits: sox IN -r ${RATE} -c 1 -b 16 OUT`,
    );
  }
  const at = wav.indexOf('data') + 4;
  const length = wav.readUInt32LE(at) / 2;
  return Float64Array.from({ length }, (_, n) => wav.readInt16LE(at + 4 + 2 * n) / 2 ** 15);
}

/** |DFT|^2 of a Hann window, from 0 Hz to half the rate. */
function powerOf(sound: Float64Array): Float64Array {
  const faded = sound.map((sample, n) => sample * (0.5 - 0.5 * cosine(n)));
  return Float64Array.from({ length: SIZE / 2 + 1 }, (_, k) => {
    const real = faded.reduce((sum, sample, n) => sum + sample * cosine(k * n), 0);
    const imaginary = faded.reduce((sum, sample, n) => sum + sample * cosine(k * n - SIZE / 4), 0);
    return real ** 2 + imaginary ** 2;
  });
}

/** Decibels of triangles that overlap by half, evenly set between 100 and 3,800 Hz on the mel scale. */
function bandsOf(power: Float64Array): number[] {
  const [first, last] = [melOf(100), melOf(3800)];
  const width = (last - first) / (BANDS + 1);
  return Array.from({ length: BANDS }, (_, band) => {
    const middle = first + width * (band + 1);
    const energy = power.reduce((sum, value, k) => {
      const away = Math.abs(melOf((k * RATE) / SIZE) - middle);
      return sum + value * Math.max(0, 1 - away / width);
    }, 1e-10);
    return 10 * Math.log10(energy);
  });
}

const melOf = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
const cosine = (n: number) => COSINES[(n + SIZE) % SIZE] ?? 0;

const RATE = 8000; // Hz
const SIZE = 256; // samples of a window, 32 ms
const HOP = 200; // samples from one to the next
const STEPS = 40;
const BANDS = 16;
const COSINES = Float64Array.from({ length: SIZE }, (_, n) => Math.cos((2 * Math.PI * n) / SIZE));
