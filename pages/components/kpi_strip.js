// Five to eight figures; the context line explains the number.
export default {
  props: {initial: Object},
  data() { return {d: this.initial}; },
  methods: {
    patch(d) { this.d = d; },
    show(c) { return c.kind === 'pnl' ? AM.pnl(c.value) : c.kind === 'money' ? AM.money(c.value) : c.kind === 'short' ? AM.short(c.value) : c.value; },
    cls(c) { return c.kind === 'pnl' ? AM.sign(c.value) : (c.cls || ''); },
    arrow(c) { return c.kind === 'pnl' ? AM.arrow(c.value) : ''; },
    title(c) { return c.kind === 'short' ? AM.money(c.value) : ''; },
  },
  template: `<div class="kpis" :class="{even: d.even}" :style="{gridTemplateColumns: (d.even ? '1fr' : '1.35fr') + ' 1fr'.repeat(d.cells.length - 1)}">
    <component :is="c.href ? 'a' : 'div'" :href="c.href" class="kpi" :class="{hero: i === 0 && !d.even}" v-for="(c, i) in d.cells" :key="c.label"><label><span v-if="c.dot" :class="c.dot"></span>{{c.label}}</label>
    <div class="v" :class="cls(c)" :title="title(c)"><span v-if="arrow(c)" style="font-size:.62em;vertical-align:.12em;margin-right:5px">{{arrow(c)}}</span>{{show(c)}}<span v-if="c.unit" class="t3" style="font-weight:400"> {{c.unit}}</span></div>
    <div class="s" :class="c.subcls">{{c.sub}}</div></component></div>`,
};
