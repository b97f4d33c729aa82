import type { Node } from '../../ir/model.js';
import type { Encoding, WeightForm } from '../../plan/types.js';
import type { QuantizedWeight } from '../../quantize/types.js';
import type { Editor } from '../editor.js';
import { cast } from './cast.js';
import { codebook } from './codebook.js';
import { linear } from './linear.js';
import { matMulNBits } from './matmulnbits.js';

type Use = { node: Node; input: number };
type Attach = (editor: Editor, weight: QuantizedWeight, uses: Use[], encoding: Encoding) => void;
type Encode = (editor: Editor, weight: QuantizedWeight, encoding: Encoding) => string;

/** Readers take the float value that `encode` gives. */
const behind =
  (encode: Encode): Attach =>
  (editor, weight, uses, encoding) => {
    const value = encode(editor, weight, encoding);
    for (const { node, input } of uses) node.inputs[input] = value;
  };

/** How each form of a weight gets into the graph. */
export const WEIGHT_FORMS: Readonly<Record<WeightForm, Attach>> = {
  linear: behind(linear),
  nibbles: behind(linear),
  codebook: behind(codebook),
  cast: behind(cast),
  matmulnbits: (editor, weight, uses) => {
    for (const { node } of uses) matMulNBits(editor, weight, node);
  },
};
