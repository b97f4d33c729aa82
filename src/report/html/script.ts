/** What a page does by itself: names under the pointer, search in tables, sorting. Without it everything still shows. */
export const SCRIPT = `
(() => {
  const tip = document.createElement('div');
  tip.id = 'tip'; tip.hidden = true; document.body.append(tip);
  const show = (event) => {
    const mark = event.target.closest && event.target.closest('svg [role="graphics-symbol"][aria-roledescription$="mark"][aria-label]');
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.getAttribute('aria-label');
    const { clientX: x, clientY: y } = event;
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 8)) + 'px';
    tip.style.top = (y + 18 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 18) + 'px';
  };
  for (const kind of ['pointermove', 'pointerdown']) document.addEventListener(kind, show);
  for (const box of document.querySelectorAll('input[type=search]'))
    box.addEventListener('input', () => {
      const words = box.value.toLowerCase().split(' ').filter(Boolean);
      for (const row of document.getElementById(box.dataset.table).tBodies[0].rows)
        row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    });
  const valueOf = (row, column) => { const cell = row.cells[column]; return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v); };
  for (const head of document.querySelectorAll('th[data-sort]'))
    head.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') !== 'descending';
      for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const body = head.closest('table').tBodies[0], column = head.cellIndex;
      const sign = down ? -1 : 1;
      const rows = [...body.rows].sort((a, b) => { const x = valueOf(a, column), y = valueOf(b, column);
        return sign * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y))); });
      body.append(...rows);
    });
})();
`;
