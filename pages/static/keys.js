// Keys of every page: g and a letter, Ctrl+K for the palette, ? for help, Ctrl+Shift+X for KILL. None sends an order.
(() => {
  const typing = (e) => e.target.closest && e.target.closest('input,textarea,select,[contenteditable]');
  const links = () => [...document.querySelectorAll('.nav a')].map((a) => ({name: a.title, hint: a.querySelector('.k').textContent, go: () => a.click()}));
  const acts = () => [
    {name: 'New strategy', hint: '', go: () => { location.href = '/strategies/new'; }},
    {name: 'Add account', hint: '', go: () => { location.href = '/accounts/new'; }},
    {name: 'Kill switch (still needs the hold)', hint: 'Ctrl Shift X', go: () => document.querySelector('.kill').click()},
    {name: 'Change theme', hint: '', go: () => document.querySelector('.bar button.ib').click()},
  ];
  const open = (title) => {
    document.getElementById('palette')?.remove();
    const box = document.createElement('dialog');
    box.id = 'palette';
    box.setAttribute('aria-label', title);
    const input = document.createElement('input');
    input.placeholder = 'Go to or do';
    const list = document.createElement('div');
    let rows = [], at = 0;
    const draw = () => {
      const want = input.value.toLowerCase();
      rows = [...links(), ...acts()].filter((r) => r.name.toLowerCase().includes(want));
      at = Math.min(at, Math.max(0, rows.length - 1));
      list.replaceChildren(...rows.map((r, i) => {
        const row = document.createElement('button');
        row.className = i === at ? 'on' : '';
        const name = document.createElement('span');
        name.textContent = r.name;
        const hint = document.createElement('kbd');
        hint.textContent = r.hint;
        row.append(name, r.hint ? hint : '');
        row.onclick = () => { box.close(); r.go(); };
        return row;
      }));
    };
    input.oninput = () => { at = 0; draw(); };
    box.onkeydown = (e) => {
      if (e.key === 'ArrowDown') { at = Math.min(at + 1, rows.length - 1); draw(); e.preventDefault(); }
      if (e.key === 'ArrowUp') { at = Math.max(at - 1, 0); draw(); e.preventDefault(); }
      if (e.key === 'Enter' && rows[at]) { e.preventDefault(); box.close(); rows[at].go(); }
    };
    box.onclose = () => box.remove();
    box.append(input, list);
    document.body.append(box);
    draw();
    box.showModal();
    input.focus();
  };
  let g = 0;
  addEventListener('keydown', (e) => {
    const command = e.ctrlKey || e.metaKey;
    if (command && e.shiftKey && e.key.toLowerCase() === 'x') { e.preventDefault(); document.querySelector('.kill').click(); return; }
    if (command && e.key.toLowerCase() === 'k') { e.preventDefault(); open('Command palette'); return; }
    if (typing(e) || command || e.altKey) return;
    if (e.key === '?') { open('Keys and places'); return; }
    if (e.key === 'g') { g = Date.now(); return; }
    if (Date.now() - g < 1200) {
      const found = links().find((l) => l.hint.toLowerCase() === 'g ' + e.key);
      if (found) { g = 0; found.go(); }
    }
  });
})();
