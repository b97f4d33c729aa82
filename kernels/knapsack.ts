/** One way to do a part of the whole: what it takes, and what it spoils. Both finite and at least 0. */
export interface Choice {
  cost: number;
  damage: number;
}

/** One choice of each part, by index, with the sums. */
export interface Selection {
  choices: number[];
  cost: number;
  damage: number;
}

/**
 * Picks one choice of each part so that the costs stay within a budget and the sum of damage is least: the
 * multiple-choice knapsack. Exact: dynamic programming over the parts keeps every partial selection that none beats in
 * both sums, less those that even the linear relaxation of the parts that are left cannot bring below a selection that
 * is known. (Dyer, Riha and Walker 1995, "A hybrid dynamic programming/branch-and-bound algorithm for the multiple-choice
 * knapsack problem".)
 * @param budget costs may sum up to it
 * @returns undefined where even the cheapest choices cost more
 */
export function leastDamage(parts: readonly (readonly Choice[])[], budget: number): Selection | undefined {
  if (leastCost(parts) > budget) return undefined;
  const order = parts.map((_, i) => i).sort((a, b) => spread(parts[b]) - spread(parts[a]));
  const sorted = order.map((i) => parts[i]);
  const relaxed = relaxations(sorted);
  let best = greedy(sorted, budget);
  let states: State[] = [{ cost: 0, damage: 0 }];
  for (const [j, choices] of sorted.entries()) {
    const rest = relaxed[j + 1];
    const grown: State[] = [];
    for (const before of states)
      for (const [choice, { cost, damage }] of choices.entries()) {
        const state = { cost: before.cost + cost, damage: before.damage + damage, choice, before };
        const bound = state.damage + rest.least(budget - state.cost);
        if (bound < best.damage) grown.push(state);
      }
    states = undominated(grown);
  }
  const [found] = states.toSorted((a, b) => a.damage - b.damage);
  if (found && found.damage < best.damage) best = { ...found, choices: pathOf(found) };
  return sumsOf(parts, order, best.choices);
}

/** Sum of the cheapest choices: budgets below it cannot be met. */
export const leastCost = (parts: readonly (readonly Choice[])[]): number =>
  parts.reduce((sum, choices) => sum + Math.min(...choices.map((c) => c.cost)), 0);

interface State {
  cost: number;
  damage: number;
  choice?: number;
  before?: State;
}

/** Parts with much at stake come first, so that bounds bite early. */
const spread = (choices: readonly Choice[]): number =>
  Math.max(...choices.map((c) => c.damage)) - Math.min(...choices.map((c) => c.damage));

function pathOf(state: State): number[] {
  const path: number[] = [];
  for (let s: State | undefined = state; s?.choice !== undefined; s = s.before) path.push(s.choice);
  return path.reverse();
}

/** Selections in the order of the parts, with sums in that order: the same whatever the order of the search. */
function sumsOf(parts: readonly (readonly Choice[])[], order: readonly number[], path: readonly number[]) {
  const choices = parts.map(() => 0);
  order.forEach((part, i) => {
    choices[part] = path[i];
  });
  const of = (field: keyof Choice) => parts.reduce((sum, part, i) => sum + part[choices[i]][field], 0);
  return { choices, cost: of('cost'), damage: of('damage') };
}

/** Partial selections that no other is at least as good as in both sums, by cost. */
function undominated(states: State[]): State[] {
  states.sort((a, b) => a.cost - b.cost || a.damage - b.damage);
  let least = Infinity;
  return states.filter(({ damage }) => {
    const better = damage < least;
    if (better) least = damage;
    return better;
  });
}

/** A step from one choice of a part to a dearer one of its lower convex hull. */
interface Step {
  part: number;
  choice: number;
  cost: number;
  gain: number;
}

/** The cheapest choice of a part and the steps of its hull, the best paid first. */
function hull(choices: readonly Choice[], part: number): { start: number; steps: Step[] } {
  const byCost = choices
    .map((_, i) => i)
    .sort((a, b) => choices[a].cost - choices[b].cost || choices[a].damage - choices[b].damage);
  const kept = byCost.filter((i, at) =>
    byCost.slice(0, at).every((j) => choices[j].damage > choices[i].damage),
  );
  const points: number[] = [];
  const slope = (a: number, b: number) =>
    (choices[a].damage - choices[b].damage) / (choices[b].cost - choices[a].cost);
  for (const i of kept) {
    while (points.length > 1 && slope(points.at(-2)!, points.at(-1)!) <= slope(points.at(-1)!, i))
      points.pop();
    points.push(i);
  }
  const steps = points.slice(1).map((choice, k) => ({
    part,
    choice,
    cost: choices[choice].cost - choices[points[k]].cost,
    gain: choices[points[k]].damage - choices[choice].damage,
  }));
  return { start: points[0], steps };
}

const byPay = (a: Step, b: Step): number => b.gain / b.cost - a.gain / a.cost;

/** The linear relaxation of some parts as a function of the budget. */
interface Relaxation {
  /** Least damage at a budget, Infinity where there is not enough. A bound: no selection has less. */
  least(budget: number): number;
}

/** Of the parts from each index on; the last one is of none. */
function relaxations(parts: readonly (readonly Choice[])[]): Relaxation[] {
  const hulls = parts.map(hull);
  return Array.from({ length: parts.length + 1 }, (_, j) => {
    const steps = hulls
      .slice(j)
      .flatMap((h) => h.steps)
      .sort(byPay);
    const first = hulls.slice(j).map((h, i) => parts[j + i][h.start]);
    const costs = [first.reduce((sum, c) => sum + c.cost, 0)];
    const damages = [first.reduce((sum, c) => sum + c.damage, 0)];
    for (const { cost, gain } of steps) {
      costs.push(costs.at(-1)! + cost);
      damages.push(damages.at(-1)! - gain);
    }
    return { least: (budget) => along(costs, damages, budget) };
  });
}

/** Between the corners of a falling line; Infinity before its start. */
function along(costs: readonly number[], damages: readonly number[], budget: number): number {
  if (budget < costs[0]) return Infinity;
  let [low, high] = [0, costs.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (costs[middle] <= budget) low = middle;
    else high = middle - 1;
  }
  if (low === costs.length - 1) return damages[low];
  const share = Math.max(0, (budget - costs[low]) / (costs[low + 1] - costs[low]));
  return damages[low] - share * (damages[low] - damages[low + 1]);
}

/** A good selection to begin with: the best paid steps that fit. */
function greedy(
  parts: readonly (readonly Choice[])[],
  budget: number,
): { choices: number[]; damage: number } {
  const hulls = parts.map(hull);
  const choices = hulls.map((h) => h.start);
  let cost = parts.reduce((sum, part, i) => sum + part[choices[i]].cost, 0);
  const stopped = new Set<number>();
  for (const step of hulls.flatMap((h) => h.steps).sort(byPay)) {
    if (stopped.has(step.part)) continue;
    if (cost + step.cost > budget) {
      stopped.add(step.part);
      continue;
    }
    cost += step.cost;
    choices[step.part] = step.choice;
  }
  return { choices, damage: parts.reduce((sum, part, i) => sum + part[choices[i]].damage, 0) };
}
