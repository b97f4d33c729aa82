import { describe, expect, it } from 'vitest';
import { LayerRounding } from '../../kernels/lattice.js';
import { clip, roundLayer } from '../../kernels/round-layer.js';
import { minMaxGrid, sum } from './layers.js';
import { PUBLISHED, syntheticLayer } from './synthetic-layers.js';

const { weights, hessian, rows, columns } = syntheticLayer();

/** How far below the published figures counts as matched, in dB. */
const SLACK = 0.3;

describe('the published table of layer SQNR, on a layer of the same make', () => {
  it.each(PUBLISHED)('$name', ({ gptq, clipped, descended, ...spec }) => {
    const layer = new LayerRounding(
      weights,
      rows,
      columns,
      hessian,
      minMaxGrid(weights, rows, columns, spec),
    );
    const given = layer.scales;
    layer.rounded = new Float32Array(rows * columns);
    const signal = sum(layer.objectives());
    const decibels = (objective = sum(layer.objectives())) => 10 * Math.log10(signal / objective);
    layer.nearest();
    const nearest = decibels();
    layer.compensate();
    expect(decibels(), 'GPTQ').toBeGreaterThan(gptq - SLACK);
    expect(decibels(), 'GPTQ over nearest').toBeGreaterThan(nearest + 7);
    clip(layer, { scales: true });
    layer.compensate();
    expect(decibels(), '+ clip').toBeGreaterThan(clipped - SLACK);
    layer.descend(4);
    const swept = decibels();
    expect(swept, '+ descent').toBeGreaterThan(descended - SLACK);
    layer.scales = given;
    expect(decibels(roundLayer(layer, { scales: true }).objective), 'all of it').toBeGreaterThan(swept);
  });
});
