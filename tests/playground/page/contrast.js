// The visible texts whose contrast with what lies behind them is under 4.5 (WCAG 2, level AA); disabled controls are exempt.
(() => {
  const channel = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const parse = (color) => { const parts = color.match(/[\d.]+/g).map(Number); return parts.length < 4 ? [...parts, 1] : parts; };
  const lineage = (node) => (node ? [node, ...lineage(node.parentElement)] : []);
  const behind = (node) => lineage(node).map((one) => parse(getComputedStyle(one).backgroundColor)).find(([, , , alpha]) => alpha > 0.9);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (lineage(node).some((one) => one.disabled)) continue;
    const back = behind(node);
    const [red, green, blue, alpha] = parse(getComputedStyle(node).color);
    const front = [red, green, blue].map((value, at) => value * alpha + back[at] * (1 - alpha));
    const [dark, bright] = [light(front), light(back)].sort((one, other) => one - other);
    if ((bright + 0.05) / (dark + 0.05) < 4.5) found.push(`${node.tagName}.${node.className}: ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return found;
})()
