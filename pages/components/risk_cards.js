// Distance first, level second, Why? third.
export default {
  props: {initial: Object},
  data() { return {d: this.initial, open: null}; },
  methods: {
    patch(d) { this.d = d; },
    money(v) { return AM.money(v, 0); }, pnl(v) { return AM.pnl(v, 0); },
    bar(r) { const p = r.progress; return r.kind === 'max_profit' ? 'ok' : p >= .8 ? 'dng' : p >= .5 ? 'warn' : 'neg'; },
    tone(r) { return {armed: '', waiting: '', blind: 'warn', triggered: 'dng', off: ''}[r.status]; },
  },
  template: `<div class="grid" style="margin-bottom:14px"><div v-if="!d.rules.length" class="c12"><div class="note warn"><svg class="i"><use href="#alert"/></svg>No rule is armed on this run: nothing stops it by itself.</div></div>
  <div v-for="r in d.rules" :key="r.key" class="c6" style="position:relative"><div class="risk" :class="{on: r.near}"><div class="hd"><svg class="i"><use :href="r.kind==='max_loss'?'#shield':'#star'"/></svg>{{r.name}} <span class="bd">{{r.action}}</span><span class="bd" :class="tone(r)">{{r.word}}</span><button class="why" @click="open = open===r.key ? null : r.key" :aria-expanded="open===r.key">Why?</button></div>
   <div class="lv" v-if="r.status!=='triggered'">{{money(r.distance)}} <span class="f12 t3">away</span></div><div class="lv danger" v-else style="white-space:normal;font-size:14px">{{r.text}}</div>
   <div class="br"><i :class="bar(r)" :style="{width: (100*r.progress).toFixed(1) + '%'}"></i></div><div class="ft"><span>level {{pnl(r.level)}}</span><span>now {{pnl(r.current)}} · {{Math.round(100*r.progress)}} %</span></div></div>
   <div v-if="open===r.key" class="pop" role="dialog"><b>{{r.name}}: {{r.word}}</b><div style="margin:4px 0">Evaluated {{r.evaluated}}. P&amp;L {{pnl(r.current)}}, level {{pnl(r.level)}}, distance {{money(r.distance)}}.</div><div v-for="w in r.why" :key="w">{{w}}</div><div v-if="r.text" style="margin-top:4px">{{r.text}}</div></div></div></div>`,
};
