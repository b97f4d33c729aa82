export { type LinearForm, linearForm } from './form.js';
export { MAX_SAMPLES, type MomentOptions, type Moments, secondMoments } from './moments.js';
export { elementsOf, groupTasks, type Task, tasksOf } from './tasks.js';
