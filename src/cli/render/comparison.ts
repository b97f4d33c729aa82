import type { Comparison } from '../engine.js';
import { renderMetrics } from './report.js';
import type { Terminal } from './terminal.js';

export const renderComparison = (comparison: Comparison, term: Terminal, _verbose: boolean): string =>
  renderMetrics(comparison.metrics, term);
export const comparisonMarkdown = (comparison: Comparison): string => JSON.stringify(comparison, null, 2);
