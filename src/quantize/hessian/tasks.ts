import type { Model } from '../../ir/model.js';
import type { WeightPlan } from '../../plan/types.js';
import type { ValueMeta } from '../../runtime/types.js';
import { type LinearForm, linearForm } from './form.js';

/** One matrix of second moments: an activation, the way of reading it, and the weights that do. */
export interface Task {
  activation: string;
  /** One of the nodes that read it, and where. */
  reader: { node: string; input: number };
  weights: { plan: WeightPlan; form: LinearForm }[];
}

/** The matrices that the weights need, in the order of the graph. Weights without a form need none. */
export function tasksOf(
  model: Model,
  weights: readonly WeightPlan[],
  types: ReadonlyMap<string, ValueMeta>,
): Task[] {
  const constants = new Map(model.graph.initializers.map((t) => [t.name ?? '', t]));
  const nodes = new Map(model.graph.nodes.map((n) => [n.name ?? '', n]));
  const tasks = new Map<string, Task>();
  for (const plan of weights)
    for (const { node: name, input } of plan.uses) {
      const [node, tensor] = [nodes.get(name), constants.get(plan.tensor)];
      const form = node && tensor && linearForm(node, input, tensor.dims);
      if (!form || types.get(node.inputs[form.activation])?.dtype !== 'float32') continue;
      const activation = node.inputs[form.activation];
      const key = JSON.stringify([activation, form.groups, form.columns, form.unfold]);
      const task = tasks.get(key) ?? {
        activation,
        reader: { node: name, input: form.activation },
        weights: [],
      };
      task.weights.push({ plan, form });
      tasks.set(key, task);
    }
  const order = new Map(model.graph.nodes.map((n, i) => [n.name ?? '', i]));
  return [...tasks.values()].sort((a, b) => order.get(a.reader.node)! - order.get(b.reader.node)!);
}

/** Values of a task's matrix. */
export const elementsOf = ({ weights: [{ form }] }: Task): number => form.groups * form.columns ** 2;

/** Consecutive tasks in as few groups as keep each within `bytes`; a larger matrix is a group alone. */
export function groupTasks(tasks: readonly Task[], bytes: number, bytesPerElement: number): Task[][] {
  const groups: Task[][] = [];
  let left = 0;
  for (const task of tasks) {
    const needed = elementsOf(task) * bytesPerElement;
    if (groups.length === 0 || needed > left) {
      groups.push([]);
      left = bytes;
    }
    groups.at(-1)!.push(task);
    left -= needed;
  }
  return groups;
}
