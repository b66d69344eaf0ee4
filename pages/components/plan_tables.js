// What will be sent: accounts, then orders by wave; after sending the cells show how each stands.
export default {
  props: {initial: Object},
  emits: ['tick'],
  data() { return {d: this.initial, t: 0}; },
  mounted() { this.timer = setInterval(() => { this.t++; }, 500); },
  unmounted() { clearInterval(this.timer); },
  methods: {
    patch(d) { this.d = {...this.d, ...d}; },
    n(v) { return AM.number(v); }, money(v) { return AM.money(v, 0); }, pnl(v) { return AM.pnl(v, 0); }, q(v) { return AM.number(v, 0); },
    left() { return this.t, Math.max(0, Math.ceil(30 - (AM.now() - this.d.madeAt) / 1000)); },
    sign(v) { return AM.sign(v); },
  },
  template: `<div><div class="rw wr g16 f13" style="padding:10px 20px;border-bottom:1px solid var(--line)"><span v-for="s in d.spots" :key="s[0]"><span class="t3">{{s[0]}} at plan</span> <b class="b5">{{n(s[1])}}</b></span><span><span class="t3">Expiry</span> <b class="b5">{{d.expiry}}</b></span><span><span class="t3">Net premium</span> <b class="b5" :class="sign(d.credit)">{{pnl(d.credit)}}</b></span><span class="sp"></span><span v-if="!d.sent" class="f12" :class="left()<10?'warn':'t3'">Plan valid {{left()}} s more</span></div>
  <h3>Accounts</h3><div class="scrollx"><table class="lt cards"><thead><tr><th style="width:28px"></th><th>Account</th><th class="n">Free margin</th><th class="n">Sets</th><th class="n">Margin</th><th class="n">Orders</th><th>State</th></tr></thead><tbody>
   <tr v-for="a in d.accounts" :key="a.id" :class="{hot: a.skip}"><td class="hp"><input type="checkbox" :checked="a.on" :disabled="!!a.skip || d.sent" @change="$emit('tick', {id:a.id, on:$event.target.checked})" :aria-label="'Trade ' + a.name"></td><td><span class="ac"><span class="sq" :style="{background:'var(--acc-'+a.colour+')'}">{{a.initials}}</span>{{a.name}}</span> <span class="bd" :class="a.mode==='live'?'ok':'warn'">{{a.mode.toUpperCase()}}</span></td><td class="n"><span :class="{unp: a.available===null}">{{money(a.available)}}</span></td><td class="n b5 hp">{{a.sets}}</td><td class="n hp">{{money(a.margin)}}</td><td class="n" style="white-space:nowrap;grid-column:1/-1">{{a.slices}}</td><td style="grid-column:1/-1"><span class="st" :class="a.skip?'warn':'ok'" style="white-space:normal">{{a.skip || a.state}}</span></td></tr>
   <tr class="tot"><td class="hp"></td><td>{{d.chosen}} of {{d.accounts.length}}</td><td class="hp"></td><td class="n hp">{{d.totalSets}}</td><td class="n hp">{{money(d.totalMargin)}}</td><td class="n">{{d.totalOrders}} orders</td><td class="t3" style="font-weight:400;grid-column:1/-1">{{d.pace}}</td></tr></tbody></table></div>
  <h3>Orders, in the order they are sent</h3><div class="scrollx"><table class="lt"><thead><tr><th>Wave</th><th>Side</th><th>Symbol</th><th class="hp">Rule</th><th>Type</th><th class="n">Last</th><th class="n" v-for="a in d.accounts" :key="a.id">{{a.name}}</th></tr></thead><tbody>
   <tr v-for="o in d.orders" :key="o.leg"><td>{{o.wave}}</td><td><span class="bd" :class="o.side==='BUY'?'buy':'sell'">{{o.side}}</span></td><td class="b5">{{o.symbol}}</td><td class="hp">{{o.rule}}</td><td class="nw">{{o.type}}</td><td class="n">{{n(o.last)}}</td><td class="n" v-for="a in d.accounts" :key="a.id"><span :class="(o.states && o.states[a.id] || {}).c">{{(o.states && o.states[a.id] || {}).t || q(o.quantities[a.id] || 0)}}</span></td></tr></tbody></table></div>
  <div style="padding:10px 20px"><div v-for="w in d.warnings" :key="w" class="note warn" style="margin-bottom:6px"><svg class="i warn"><use href="#alert"/></svg><span>{{w}}</span></div></div></div>`,
};
