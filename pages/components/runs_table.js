// Runs with their P&L; a row opens the run.
export default {
  props: {initial: Object},
  emits: ['act'],
  data() { return {d: this.initial}; },
  methods: {
    patch(d) { this.d = d; },
    pnl(v) { return AM.pnl(v); }, sign(v) { return AM.sign(v); }, arrow(v) { return AM.arrow(v); }, time(v) { return AM.time(v); },
  },
  template: `<div><div v-if="!d.runs.length" class="empty">{{d.empty}}</div>
  <div class="scrollx" v-else><table class="lt cards"><thead><tr><th scope="col">Run</th><th>State</th><th class="n">P&amp;L</th><th>Accounts</th><th class="n">Positions</th><th>Started</th><th>Exit</th><th></th></tr></thead>
  <tbody><tr v-for="r in d.runs" :key="r.id"><td><a class="b5" :href="'/runs/' + r.id">{{r.number}} · {{r.name}}</a><span class="sub2 danger" v-if="r.attention" style="white-space:normal">{{r.attention}}</span></td>
   <td class="ra-ph"><span class="bd" :class="r.tone">{{r.word}}</span></td>
   <td class="n b5" :class="sign(r.pnl)"><span v-if="arrow(r.pnl)" style="font-size:.7em;margin-right:4px">{{arrow(r.pnl)}}</span>{{pnl(r.pnl)}}<span v-if="!r.whole" class="t3"> ?</span></td>
   <td class="hp">{{r.accounts}}</td><td class="n hp">{{r.positions}}</td><td class="t3 hp">{{time(r.started)}}</td><td class="t2 hp">{{r.exit}}</td>
   <td class="n"><button v-if="r.live" class="btn bs d" @click="$emit('act', {name:'exit', id:r.id})">Exit</button> <a class="btn bs" :href="'/runs/' + r.id">View</a></td></tr></tbody></table></div></div>`,
};
