// Figures look the same on a terminal and in a report's own forms.
export * from '../../report/units.js';
