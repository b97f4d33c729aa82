/** Versions of operators that need no adapter: "Op@version,version" lists by the reason why. */
export interface UnchangedRow {
  reason: string;
  ops: string;
}

/**
 * Together with the adapters this covers every version from 8 to 25 of every standard operator; a test compares it
 * with the standard's own list.
 */
export const UNCHANGED: readonly UnchangedRow[] = [
  {
    reason: 'accepts more element types',
    ops: `Abs@13 Acos@22 Acosh@22 Add@13,14 ArgMax@13 ArgMin@13 Asin@22 Asinh@22 Atan@22 Atanh@22 AveragePool@22
    BatchNormalization@15 Bernoulli@22 Cast@9,13,21,23,24,25 CastLike@21,23,24,25 Ceil@13 Clip@12,13 Concat@13
    Constant@9,13,19,21,23,24,25 ConstantOfShape@20,21,23,24,25 Conv@22 ConvTranspose@22 Cos@22 Cosh@22 CumSum@14
    DeformConv@22 DepthToSpace@13 DequantizeLinear@19,23,24,25 Det@22 Div@13,14 Dropout@13,22 Elu@22
    Equal@11,13,19 Erf@13 Exp@13 Expand@13 EyeLike@22 Flatten@9,13,21,23,24,25 Floor@13 GRU@22 Gather@13
    GatherElements@13 GatherND@13 Gemm@9,13 GlobalAveragePool@22 GlobalLpPool@22 GlobalMaxPool@22 Greater@9,13
    GreaterOrEqual@16 GridSample@22 HardSigmoid@22 HardSwish@22 Identity@13,14,16,19,21,23,24,25
    If@13,16,19,21,23,24,25 InstanceNormalization@22 IsInf@20 IsNaN@13,20 LRN@13 LSTM@22 LeakyRelu@16 Less@9,13
    LessOrEqual@16 Log@13 Loop@13,16,19,21,23,24,25 LpNormalization@22 LpPool@22 MatMul@9,13 Max@12,13
    MaxPool@12,22 MaxRoiPool@22 MaxUnpool@22 Mean@13 MeanVarianceNormalization@13 Min@12,13 Mish@22 Mod@13
    Mul@13,14 Multinomial@22 Neg@13 NegativeLogLikelihoodLoss@13,22 NonZero@13 PRelu@9,16 Pad@13,21,23,24,25
    Pow@12,13,15 QLinearMatMul@21 QuantizeLinear@24,25 RNN@22 RandomNormal@22 RandomNormalLike@22 RandomUniform@22
    RandomUniformLike@22 Reciprocal@13 ReduceL1@13 ReduceL2@13 ReduceLogSum@13 ReduceLogSumExp@13
    ReduceMax@12,13,20 ReduceMean@13 ReduceMin@12,13,20 ReduceProd@13 ReduceSumSquare@13 Relu@13,14
    Reshape@13,19,21,23,24,25 RoiAlign@22 Round@22 Scan@16,19,21,23,24,25 ScatterElements@13 ScatterND@13 Selu@22
    Shape@13,19,21,23,24,25 Sigmoid@13 Sign@13 Sin@22 Sinh@22 Size@13,19,21,23,24,25 Slice@13
    SoftmaxCrossEntropyLoss@13 Softplus@22 Softsign@22 SpaceToDepth@13 SplitToSequence@24 Sqrt@13
    Squeeze@21,23,24,25 Sub@13,14 Sum@13 Tan@22 Tanh@13 ThresholdedRelu@22 Tile@13 TopK@24
    Transpose@13,21,23,24,25 Unsqueeze@21,23,24,25 Where@16`,
  },
  {
    reason: 'also takes negative axes or indices',
    ops: `ArgMax@11 ArgMin@11 Compress@11 Concat@11 Flatten@11 Gather@11 Hardmax@11 LogSoftmax@11 OneHot@11
    ReduceL1@11 ReduceL2@11 ReduceLogSum@11 ReduceLogSumExp@11 ReduceMax@11 ReduceMean@11 ReduceMin@11 ReduceProd@11
    ReduceSum@11 ReduceSumSquare@11 Scan@11 Slice@11 Softmax@11 Split@11 Squeeze@11 Unsqueeze@11`,
  },
  {
    reason: 'gained an optional attribute, input or output whose default is the old meaning',
    ops: `ArgMax@12 ArgMin@12 Attention@24,25 AveragePool@10,19 Cast@19 CastLike@19 Constant@11,12 DepthToSpace@11
    DequantizeLinear@13,21 GRU@14 GatherND@12 Gemm@11 LSTM@14 LpPool@18 MaxPool@8,10 Pad@18,19
    QuantizeLinear@13,19,21,23 RNN@14 Reshape@14 Resize@18,19 ScatterElements@16,18 ScatterND@16,18 Shape@15
    TopK@11`,
  },
  { reason: 'broadcasts, where shapes had to be equal', ops: 'Max@8 Mean@8 Min@8 Sum@8' },
  {
    reason: 'allows what was refused: other shapes in branches and loops, an absent or non-optional input',
    ops: 'If@11 Loop@11 NonMaxSuppression@11 OptionalGetElement@18 OptionalHasElement@18',
  },
  {
    reason: 'the text became clearer (defaults of strides, dilations and padding), the meaning stayed',
    ops: 'AveragePool@11 Conv@11 ConvTranspose@11 LpPool@11 MaxPool@11 MaxUnpool@11',
  },
  {
    reason: 'enters the standard with the meaning that the experimental operator had',
    ops: 'ThresholdedRelu@10',
  },
];
