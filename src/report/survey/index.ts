import type { Survey } from './types.js';

export { Weights } from './measure.js';
export type { FormatFigures, FormatSurvey, RoundingSurvey, Survey } from './types.js';

/** The survey as an SVG file; the charts are loaded only for who asks for one. */
export const surveySvg = async (survey: Survey): Promise<string> =>
  (await import('./chart.js')).surveySvg(survey);
