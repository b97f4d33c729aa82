/** How pictures may be changed from step to step. */
export const AUGMENTATIONS = ['flip', 'shift', 'crop', 'colour', 'mix'] as const;
export type Augmentation = (typeof AUGMENTATIONS)[number];
