/** How a cost grows with a size: the exponent of the power law that fits best. */

/**
 * The slope of the line of least squares through the logarithms: 1 is a cost in proportion, 2 a quadratic one, 0 none.
 * @throws RangeError when there are fewer than two sizes, or anything is not positive
 */
export function exponentOf(points: readonly (readonly [size: number, cost: number])[]): number {
  if (points.length < 2 || points.some((point) => point.some((value) => !(value > 0)))) {
    throw new RangeError(`no exponent of ${JSON.stringify(points)}`);
  }
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const);
  const meanOf = (at: 0 | 1) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [meanSize, meanCost] = [meanOf(0), meanOf(1)];
  let along = 0;
  let across = 0;
  for (const [size, cost] of logs) {
    along += (size - meanSize) ** 2;
    across += (size - meanSize) * (cost - meanCost);
  }
  return across / along;
}
