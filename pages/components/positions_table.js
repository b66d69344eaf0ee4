// Positions by account; old books are hatched, stale prices grey.
export default {
  props: {initial: Object},
  emits: ['act'],
  data() { return {d: this.initial, t: 0, last: {}, flash: {}}; },
  mounted() { this.timer = setInterval(() => { this.t++; }, 500); },
  unmounted() { clearInterval(this.timer); },
  methods: {
    patch(d) {
      for (const g of d.groups) for (const r of g.rows) {
        if (this.last[r.key] !== undefined && this.last[r.key] !== r.mark) this.flash[r.key] = Date.now();
        this.last[r.key] = r.mark;
      }
      this.d = d;
    },
    n(v) { return AM.number(v); }, q(v) { return AM.qty(v); }, pnl(v) { return AM.pnl(v); }, plain(v) { return v === null ? 'unknown' : AM.pnl(v).replace('₹', ''); },
    sign(v) { return AM.sign(v); }, arrow(v) { return AM.arrow(v); },
    age(ms) { return this.t, AM.age(ms); }, dot(r) { return this.t, AM.dot(r.markAt, r.markState); },
    stale(r) { return this.t, r.markState !== 'fresh' || AM.now() - r.markAt > 6000; },
    hot(r) { return this.t, Date.now() - (this.flash[r.key] || 0) < 600; },
    old(g) { return this.t, g.booksAt && AM.now() - g.booksAt > 15000; },
    say(v) { return v === null ? 'unknown' : (Number(v) < 0 ? 'loss ' : 'profit ') + AM.number(String(v).replace('-', '')) + ' rupees'; },
    csv() {
      const rows = this.d.groups.flatMap((g) => g.rows.map((r) => [g.name, r.symbol, r.side, r.quantity, r.average, r.mark, r.pnl]));
      AM.csv(this.d.file, ['Account', 'Symbol', 'Side', 'Quantity', 'Average', 'Mark', 'PnL'], rows);
    },
  },
  template: `<div><div v-if="!d.groups.length" class="empty">{{d.empty}}</div><div v-else class="scrollx"><table class="lt cards posn"><thead><tr><th scope="col">Leg</th><th class="n">Qty</th><th class="n">Avg</th><th class="n">Exit avg</th><th class="n">Mark, age</th><th class="n">P&amp;L ₹</th><th style="width:62px"></th></tr></thead><tbody>
  <template v-for="g in d.groups" :key="g.key"><tr class="grp"><td colspan="5"><span class="ac"><span class="sq" :style="{background:'var(--acc-'+g.colour+')'}">{{g.initials}}</span>{{g.name}} <small>{{g.broker}}</small></span> &nbsp;<a v-if="g.runText" class="lnk f12" :href="'/runs/'+g.run">{{g.runText}}</a><span v-if="g.runText">&nbsp; </span><span class="bd" :class="g.mode==='live'?'ok':'warn'">{{g.mode.toUpperCase()}}</span> &nbsp;<span class="st" :class="g.tone"><span>{{g.text}}<span class="hp">, books {{age(g.booksAt)}} old, drift {{g.drift===null?'unknown':g.drift}}</span></span></span></td>
   <td class="n b5" :class="sign(g.pnl)" :aria-label="say(g.pnl)"><span v-if="arrow(g.pnl)" style="font-size:.7em;margin-right:4px">{{arrow(g.pnl)}}</span>{{pnl(g.pnl)}}</td><td class="n"><button v-if="g.canExit" class="btn bs d" @click="$emit('act',{name:'exit',account:g.account,run:g.run})">Exit</button></td></tr>
   <tr v-for="r in g.rows" :key="r.key" :class="{unpr: old(g), hot: r.drift}" class="leg1"><td><span class="bd" :class="r.side==='BUY'?'buy':'sell'" style="width:38px;justify-content:center">{{r.side}}</span> &nbsp;<span class="b5" :title="r.symbol">{{r.label}}</span> &nbsp;<span class="t3">{{r.expiry}}</span><span v-if="r.pending" class="bd warn">price pending</span><a v-if="r.drift" class="bd warn" href="/positions">broker differs</a></td>
    <td class="n">{{q(r.quantity)}}<span class="at-ph"> at {{n(r.average)}}</span></td><td class="n hp">{{n(r.average)}}</td><td class="n hp t3">{{n(r.exitAverage)}}</td>
    <td class="n" :class="{stale: stale(r)}"><span :class="{flash: hot(r)}">{{n(r.mark)}}</span>&nbsp; <span :class="dot(r)"></span> <span class="t3 f12" style="display:inline-block;width:34px">{{age(r.markAt)}}</span></td>
    <td class="n" :class="sign(r.pnl)" :aria-label="say(r.pnl)"><span v-if="arrow(r.pnl)" style="font-size:.7em;margin-right:4px">{{arrow(r.pnl)}}</span>{{plain(r.pnl)}}</td><td></td></tr></template>
  <tr class="tot"><td>{{d.count}} positions</td><td class="hp"></td><td class="hp"></td><td class="hp"></td><td class="hp"></td><td class="n" :class="sign(d.total)" :aria-label="say(d.total)" id="run-total"><span v-if="arrow(d.total)" style="font-size:.7em;margin-right:4px">{{arrow(d.total)}}</span>{{pnl(d.total)}}</td><td></td></tr></tbody></table></div>
  <footer v-if="d.groups.length" class="rw f12 t3" style="height:34px;padding:0 14px;border-top:1px solid var(--line)"><span>hatched = books older than 15 s</span><span class="sp"></span><button class="lnk" @click="csv">CSV</button></footer></div>`,
};
