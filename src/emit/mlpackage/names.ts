import type { Program, Var } from './program.js';

/** Words of MIL's text form, which a name must not be. */
const RESERVED = new Set(
  `any bool program func tensor list dict tuple true false string bf16 fp16 fp32 fp64 int8 int16 int32 int64 uint8
  uint16 uint32 uint64 state`.split(/\s+/),
);

/** A name as Core ML takes it: letters, digits, _ and @, no digit first. */
export function legalName(name: string): string {
  const cleaned = name.replaceAll(/[^A-Za-z0-9_@]/g, '_');
  const begun = /^[A-Za-z_]/.test(cleaned) ? cleaned : `_${cleaned}`;
  return RESERVED.has(begun) ? `${begun}_` : begun;
}

/** Hands out legal names, each once: `a/b`, `a:b` → `a_b`, `a_b_1`. */
export class Names {
  private readonly taken = new Set<string>();

  fresh(wanted: string): string {
    const legal = legalName(wanted);
    let name = legal;
    for (let i = 1; this.taken.has(name); i++) name = `${legal}_${i}`;
    this.taken.add(name);
    return name;
  }
}

/**
 * Gives every value of the program its final name, deterministically: interface first (its names are what a caller
 * of the model sees), then what operations make, in order; a constant is called after its reader and argument.
 */
export function nameValues(program: Program): void {
  const names = new Names();
  const done = new Set<Var>();
  const give = (value: Var, wanted = value.name) => {
    if (done.has(value)) return;
    value.name = names.fresh(wanted || 'value');
    done.add(value);
  };
  for (const value of [...program.inputs, ...program.outputs]) give(value);
  const isConstant = (type: string) => type === 'const' || type.startsWith('constexpr_');
  for (const o of program.operations) if (!isConstant(o.type)) for (const v of o.outputs) give(v);
  for (const o of program.operations)
    for (const [name, bound] of o.inputs)
      for (const v of Array.isArray(bound) ? bound : [bound])
        if ('name' in v && !done.has(v)) give(v, v.name || `${o.outputs[0].name}_${name}_0`);
  for (const o of program.operations) for (const v of o.outputs) give(v);
}
