/** What a page does beyond reading: copies ids, closes what was opened, finds by a key. Without it all can be read. */
for (const button of document.querySelectorAll('.copy')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add('done');
    setTimeout(() => button.classList.remove('done'), 1500);
  });
}

const opened = () => document.querySelectorAll('.chip details[open]');
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape')
    for (const details of opened()) {
      details.open = false;
      details.querySelector('summary').focus();
    }
  const isWriting = event.target.closest('input, select, textarea') !== null;
  if (event.key === '/' && !isWriting && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    const menu = document.querySelector('.menu');
    menu.open = true;
    document.getElementById('find').focus();
  }
});
document.addEventListener('click', (event) => {
  for (const details of opened()) if (!details.contains(event.target)) details.open = false;
});
