// What a person would see on a page. Each function is called in the browser by the tests.
({
  // Texts that are cut off or lie outside of the screen.
  clipped: (scrolls) => {
    const found = [];
    const ink = document.createElement("canvas").getContext("2d");
    const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const parent = node.parentElement;
      if (!node.data.trim() || !seen(parent) || parent.closest(".hidden, script")) continue;
      const style = getComputedStyle(parent);
      ink.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      const measured = ink.measureText(node.data);
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) {
        // A line's box is taller than its letters: what counts is what is drawn.
        const height = measured.fontBoundingBoxAscent + measured.fontBoundingBoxDescent;
        const line = box.top + (box.height - height) / 2 + measured.fontBoundingBoxAscent;
        const drawn = { left: box.left, right: box.right, top: line - measured.actualBoundingBoxAscent, bottom: line + measured.actualBoundingBoxDescent };
        for (let around = parent; around; around = around.parentElement) {
          const how = getComputedStyle(around);
          const rolls = /auto|scroll/.test(how.overflowY + how.overflowX);
          if (rolls) break;
          const clips = around === document.documentElement || /hidden|clip/.test(how.overflowX + how.overflowY);
          if (!clips) continue;
          const frame = around === document.documentElement ? { left: 0, right: innerWidth, top: 0, bottom: scrolls ? 1e9 : innerHeight } : around.getBoundingClientRect();
          const out = Math.max(frame.left - drawn.left, drawn.right - frame.right, frame.top - drawn.top, drawn.bottom - frame.bottom);
          if (out > 1.5) found.push(`"${node.data.trim().slice(0, 40)}" ${out.toFixed(1)} px out of ${around.id || around.className || around.tagName}`);
        }
      }
    }
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) found.push(`page ${page.scrollWidth} px wide`);
    if (!scrolls && page.scrollHeight > page.clientHeight) found.push(`page ${page.scrollHeight} px high`);
    return found;
  },

  // Height of the big digits as drawn, in CSS pixels.
  digits: () => [...document.querySelectorAll(".card .value")].map((value) => {
    const style = getComputedStyle(value);
    const ink = document.createElement("canvas").getContext("2d");
    ink.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    return ink.measureText("0").actualBoundingBoxAscent;
  }),

  // Parts that lie over each other.
  overlaps: () => {
    const boxes = [...document.querySelectorAll("#status .item, #status h1, #cue, .card, #trend, #buttons button, footer span, footer a")]
      .filter((box) => box.checkVisibility())
      .map((box) => [box.id || box.textContent.trim().slice(0, 20), box.getBoundingClientRect(), box]);
    const found = [];
    boxes.forEach(([a, one, first], i) => boxes.slice(i + 1).forEach(([b, other, second]) => {
      if (first.contains(second) || second.contains(first)) return;
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (wide > 1 && high > 1) found.push(`${a} lies over ${b}`);
    }));
    return found;
  },

  // Whether every chart was drawn again since the window changed its size.
  settled: () => [...document.querySelectorAll("svg.chart[viewBox]")].every((chart) => {
    const drawn = chart.getAttribute("viewBox").split(" ").slice(2).map(Number);
    const box = chart.getBoundingClientRect();
    return Math.abs(drawn[0] - box.width) < 2;
  }),

  // All numbers shown.
  texts: () => [...document.querySelectorAll(".card .value, .card .of-foot, #elapsed, #distance")].map((each) => each.textContent),
});
