/** What is drawn on a chart's canvas beside its lines: the objective, and the time of which nothing is known. */

/** @typedef {import('uplot')} Plot */
/** @typedef {import('./palette.js').Palette} Palette */
/** @typedef {{ readonly fromMs: number, readonly toMs: number }} Span */

/** @param {Plot} plot @param {{ readonly spans: readonly Span[], readonly palette: Palette }} holes */
export function drawHoles(plot, { spans, palette }) {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { fromMs, toMs } of spans) {
    const left = Math.max(bbox.left, plot.valToPos(fromMs / 1000, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(toMs / 1000, 'x', true));
    if (right <= left) continue;
    ctx.fillStyle = palette.hole;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    if (right - left < 76 * devicePixelRatio) continue;
    ctx.fillStyle = palette.text;
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    ctx.fillText('not known', (left + right) / 2, bbox.top + bbox.height / 2);
  }
  ctx.restore();
}

/**
 * A dotted line where the warning is, a dashed one where it is bad, each with its name.
 * @param {Plot} plot
 * @param {{ readonly objective: { readonly warn: number, readonly bad: number }, readonly palette: Palette }} drawn
 */
export function drawObjective(plot, { objective, palette }) {
  const { ctx, bbox } = plot;
  const lines = [
    { name: 'warning', value: objective.warn, colour: palette.warn, dash: [1, 3] },
    { name: 'bad', value: objective.bad, colour: palette.bad, dash: [5, 3] },
  ];
  const distance = plot.valToPos(objective.warn, 'y', true) - plot.valToPos(objective.bad, 'y', true);
  const isCrowded = distance < 12 * devicePixelRatio;
  ctx.save();
  for (const { name, value, colour, dash } of lines) {
    const y = Math.round(plot.valToPos(value, 'y', true));
    ctx.strokeStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    if (isCrowded && name === 'warning') continue;
    ctx.fillStyle = colour;
    ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'bottom';
    ctx.fillText(name, bbox.left + 3 * devicePixelRatio, y - devicePixelRatio);
  }
  ctx.restore();
}
