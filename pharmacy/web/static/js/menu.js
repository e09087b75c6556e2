// Folds the menu's groups up again: at Escape, and when something else is pressed or focused.
// They unfold without this, and only one at a time.

const groups = [...document.querySelectorAll('.menu-group')];
// On a phone the menu lies over the page, and its groups are folded by their own words alone.
const inABar = () => groups.some((group) => getComputedStyle(group).position === 'relative');

const foldOthers = (target) => {
  if (!inABar()) return;
  for (const group of groups) if (!group.contains(target)) group.open = false;
};

if (groups.length) {
  document.addEventListener('pointerdown', (event) => foldOthers(event.target));
  document.addEventListener('focusin', (event) => foldOthers(event.target));
  document.addEventListener('keydown', (event) => {
    const open = groups.find((group) => group.open);
    if (event.key !== 'Escape' || !open || !inABar()) return;
    const within = open.contains(document.activeElement);
    open.open = false;
    if (within) open.querySelector('summary').focus();
  });
}
