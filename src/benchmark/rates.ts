import { elementCount } from '../ir/tensor.js';
import { layerMacs, PROBES, type Probe, type ProbeId } from './probes.js';
import type { Timings } from './target.js';

const FLOAT_BYTES = 4;
/** Filters that an integer product computes together. */
const COLUMNS = 16;

interface Rate {
  float: number;
  int8: number;
}
type Format = keyof Rate;

const find = (id: ProbeId): Probe => PROBES.find((p) => p.id === id)!;
const elements = (id: ProbeId): number => elementCount(find(id).dims);
const operations = (id: ProbeId): number => 2 * layerMacs(find(id));
/** Positions of filters over all outputs of a channel. */
const positions = (id: ProbeId): number => {
  const { dims, layer } = find(id);
  return layer.op === 'Conv' && layer.kernel > 1 ? (elements(id) / dims[1]) * layer.kernel ** 2 : 0;
};

/** Operations or bytes a second, and seconds of what is counted singly. */
export function rates({ probes }: Timings) {
  const chains = (id: ProbeId, format: Format) => probes[id][format === 'float' ? 'floatMs' : 'int8Ms'];
  /** Seconds of one layer, the kernel's own cost included. */
  const layer = (id: ProbeId, format: Format): number => {
    const [[short, long], [a, b]] = [chains(id, format), find(id).depths];
    return Math.max(0, (long - short) / (b - a) / 1e3);
  };
  const ends = (id: ProbeId, format: Format): number =>
    chains(id, format)[0] / 1e3 - find(id).depths[0] * layer(id, format);
  const kernel = layer('tiny', 'float');
  const integerKernel = layer('tiny', 'int8');
  const call = Math.max(0, ends('tiny', 'float'));
  const own = (id: ProbeId, format: Format): number =>
    rest(layer(id, format), format === 'float' ? kernel : integerKernel);

  const activations = (2 * FLOAT_BYTES * elements('element')) / own('element', 'float');
  const writing = (id: ProbeId) => (FLOAT_BYTES * elements(id)) / activations;
  const float = (...ids: ProbeId[]) =>
    total(ids, operations) / total(ids, (id) => rest(own(id, 'float'), writing(id)));
  const int8 = integerConvolutions((id) => own(id, 'int8'));
  const padded = (2 * COLUMNS * positions('narrow') * find('narrow').dims[1]) / int8.rate;
  const convolution = { float: float('convolution', 'pointwise'), int8: int8.rate };
  const weights = (FLOAT_BYTES * find('row').dims[1] ** 2) / own('row', 'float');
  /** Two conversions an element-wise layer, each a kernel of floats like itself. */
  const converting =
    Math.max(0, layer('element', 'int8') - layer('element', 'float') - 2 * kernel) /
    (2 * elements('element'));
  const gathered = operations('decoded') / convolution.float + writing('decoded');
  return {
    kernel,
    integerKernel,
    call,
    activations,
    weights,
    convolution,
    product: { float: float('product'), int8: operations('product') / own('product', 'int8') },
    depthwise: {
      float: float('depthwise'),
      int8:
        operations('depthwise') /
        rest(
          own('depthwise', 'int8'),
          int8.rounding * elements('depthwise') + int8.walk * positions('depthwise'),
        ),
    },
    rounding: int8.rounding,
    walk: int8.walk,
    gather:
      Math.max(0, own('narrow', 'int8') - padded - int8.rounding * elements('narrow')) / positions('narrow'),
    column:
      Math.max(0, layer('decoded', 'int8') - 2 * kernel - gathered) /
      (positions('decoded') * find('decoded').dims[1]),
    converting,
    integerElement: own('table', 'int8') / elements('table'),
    layout: Math.max(0, (ends('pointwise', 'int8') - call) / elements('pointwise') - 2 * converting) / 2,
    decodeRow:
      Math.max(0, layer('decodedRow', 'int8') - layer('decodedRow', 'float') - kernel) /
      elements('decodedRow'),
  };
}

/** What is left of a time; never less than a tenth: a probe that is all overhead tells nothing of the rate. */
const rest = (seconds: number, taken: number): number => Math.max(0.1 * seconds, seconds - taken);
const total = (ids: readonly ProbeId[], of: (id: ProbeId) => number): number =>
  ids.reduce((sum, id) => sum + of(id), 0);

/** Three convolutions, t = operations / rate + outputs · rounding + positions · gathering, solved for the three. */
function integerConvolutions(seconds: (id: ProbeId) => number) {
  const [inverse, rounding, walk] = solve(
    (['convolution', 'pointwise', 'wide'] as const).map((id) => [
      operations(id),
      elements(id),
      positions(id),
      seconds(id),
    ]),
  );
  if (inverse > 0 && rounding >= 0 && walk >= 0) return { rate: 1 / inverse, rounding, walk };
  return { rate: operations('convolution') / seconds('convolution'), rounding: 0, walk: 0 };
}

/** Gauss-Jordan without pivoting: each row holds the coefficients and the right side. */
function solve(rows: number[][]): number[] {
  const m = rows.map((row) => [...row]);
  for (let i = 0; i < m.length; i++) {
    m[i] = m[i].map((v) => v / m[i][i]);
    for (let j = 0; j < m.length; j++) if (j !== i) m[j] = m[j].map((v, c) => v - m[j][i] * m[i][c]);
  }
  return m.map((row) => row.at(-1)!);
}
