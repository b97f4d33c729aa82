import type { Inspection } from '../engine.js';
import type { Terminal } from './terminal.js';

export const renderInspection = (inspection: Inspection, term: Terminal, _verbose: boolean): string =>
  term.bold(JSON.stringify(inspection, null, 2));
export const inspectionMarkdown = (inspection: Inspection): string => JSON.stringify(inspection, null, 2);
