import { TARGETS } from '../../targets/index.js';
import { ENGINES } from '../batch/index.js';
import { METHODS } from '../calibrate/methods/index.js';
import { PRESETS } from '../data/presets.js';
import { CONVERSIONS, PACKAGES } from '../emit/formats.js';
import { FEATURED_SCHEMES } from '../plan/scheme.js';
import type { ChoiceSource } from './options/index.js';

/** Values that completion offers, and help by way of the build, which writes them to dist/choices.json. */
export const VALUES: Record<ChoiceSource, string[]> = {
  targets: TARGETS.map((target) => target.aliases[0] ?? target.id),
  schemes: [...FEATURED_SCHEMES],
  methods: METHODS.map((method) => method.id),
  packages: [...PACKAGES, ...CONVERSIONS].map((row) => row.id),
  engines: ENGINES.map((engine) => engine.id),
  presets: PRESETS.map((preset) => preset.id),
};
