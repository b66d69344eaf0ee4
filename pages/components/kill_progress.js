// Red until every book agrees.
export default {
  props: {initial: Object},
  data() { return {d: this.initial}; },
  methods: { patch(d) { this.d = d; }, pnl(v) { return AM.pnl(v); }, sign(v) { return AM.sign(v); } },
  template: `<div style="padding:0 20px 12px"><div v-if="!d.accounts.length" class="empty">No account is connected.</div><div v-for="a in d.accounts" :key="a.id" class="pr" style="border-top:1px solid var(--line);padding:10px 0;display:grid;grid-template-columns:1fr auto;gap:10px"><span class="ac"><span class="sq" :style="{background:'var(--acc-'+a.colour+')'}">{{a.initials}}</span>{{a.name}}</span><b class="b5" :class="sign(a.pnl)">{{pnl(a.pnl)}}</b><span class="st" :class="a.positions||a.orders?'dng':'ok'">{{a.text}}</span><span class="t3 f12">{{a.state}}</span></div>
  <div v-if="d.active" class="b5" :class="d.flat?'pos':'danger'" style="padding-top:12px;font-size:16px" role="alert">{{d.text}}</div></div>`,
};
