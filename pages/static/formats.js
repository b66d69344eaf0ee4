// Numbers, money, times and ages as ui.md section 7 has them; twin of pages/formats.py.
(() => {
  const MINUS = '\u2212';
  const group = (digits) => {
    if (digits.length <= 3) return digits;
    const head = digits.slice(0, -3).replace(/\B(?=(\d{2})+(?!\d))/g, ',');
    return head + ',' + digits.slice(-3);
  };
  // A decimal text rounded half up to `places`, without going through a float.
  const fixed = (text, places) => {
    let s = String(text);
    const negative = s.startsWith('-');
    if (negative) s = s.slice(1);
    if (s.includes('e') || s.includes('E')) s = Number(s).toFixed(places + 2);
    let [whole, part = ''] = s.split('.');
    const up = part.length > places && part[places] >= '5';
    let digits = (whole || '0') + part.slice(0, places).padEnd(places, '0');
    if (up) digits = (BigInt(digits) + 1n).toString().padStart(digits.length, '0');
    const cut = digits.length - places;
    whole = digits.slice(0, cut).replace(/^0+(?=\d)/, '') || '0';
    const rest = digits.slice(cut);
    const zero = !/[1-9]/.test(digits);
    return {negative: negative && !zero, zero, whole, rest};
  };
  const AM = {
    offset: 0,
    now: () => Date.now() + AM.offset,
    number: (v, places = 2) => {
      if (v === null || v === undefined || v === '') return '–';
      const f = fixed(v, places);
      return (f.negative ? MINUS : '') + group(f.whole) + (places ? '.' + f.rest : '');
    },
    money: (v, places = 2) => {
      if (v === null || v === undefined || v === '') return 'unknown';
      const f = fixed(v, places);
      return (f.negative ? MINUS : '') + '₹' + group(f.whole) + (places ? '.' + f.rest : '');
    },
    pnl: (v, places = 2) => {
      if (v === null || v === undefined || v === '') return 'unknown';
      const f = fixed(v, places);
      const body = '₹' + group(f.whole) + (places ? '.' + f.rest : '');
      return f.zero ? body : (f.negative ? MINUS : '+') + body;
    },
    arrow: (v) => { const f = fixed(v ?? 0, 2); return f.zero ? '' : (f.negative ? '▼' : '▲'); },
    sign: (v) => { if (v === null || v === undefined) return ''; const f = fixed(v, 2); return f.zero ? '' : (f.negative ? 'neg' : 'pos'); },
    short: (v) => {
      if (v === null || v === undefined || v === '') return 'unknown';
      const n = Number(v), a = Math.abs(n), s = n < 0 ? MINUS : '';
      if (a >= 1e7) return s + '₹' + (a / 1e7).toFixed(2) + ' Cr';
      if (a >= 1e5) return s + '₹' + (a / 1e5).toFixed(2) + ' L';
      return AM.money(v, 0);
    },
    qty: (v) => (v > 0 ? '+' : v < 0 ? MINUS : '') + group(String(Math.abs(v))),
    time: (ms) => ms ? new Date(ms + 19800000).toISOString().slice(11, 19) : '–',
    age: (ms) => {
      if (!ms) return '–';
      const s = Math.max(0, (AM.now() - ms) / 1000);
      if (s < 10) return s.toFixed(1) + ' s';
      if (s < 120) return Math.floor(s) + ' s';
      if (s < 7200) return Math.floor(s / 60) + ' min';
      return Math.floor(s / 3600) + ' h';
    },
    dot: (ms, state) => {
      if (state === 'bad' || state === 'stale' || !ms) return 'age w';
      const s = (AM.now() - ms) / 1000;
      return s < 1.5 ? 'age f' : s < 5 ? 'age' : 'age w';
    },
    csv: (name, head, rows) => {
      const text = '\ufeff' + [head, ...rows].map((r) => r.map((c) => '"' + String(c ?? '').replace(/"/g, '""') + '"').join(',')).join('\r\n');
      const a = document.createElement('a');
      a.href = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
      a.download = name; a.click();
    },
  };
  globalThis.AM = AM;
})();
