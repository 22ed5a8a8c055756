// Keeps a scrolling box at its end while its reader has not scrolled away from there, also when the box itself changes size.
const NEAR_END_PX = 80;

export function follow(node) {
  let following = true;
  const toEnd = () => {
    if (following) node.scrollTop = node.scrollHeight;
  };
  node.addEventListener("scroll", () => {
    following = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_END_PX;
  });
  new ResizeObserver(toEnd).observe(node);
  return toEnd;
}
