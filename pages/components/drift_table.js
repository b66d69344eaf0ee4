// Where a broker's book and our runs differ, and what may be done about it.
export default {
  props: {initial: Object},
  emits: ['act'],
  data() { return {d: this.initial, t: 0}; },
  mounted() { this.timer = setInterval(() => { this.t++; }, 1000); },
  unmounted() { clearInterval(this.timer); },
  methods: {
    patch(d) { this.d = d; },
    q(v) { return v === 0 ? '0' : AM.qty(v); },
    age(ms) { return this.t, AM.age(ms); },
  },
  template: `<div><div v-if="!d.rows.length" class="empty" style="padding:20px 14px"><span :class="d.unread?'warn':'pos'">{{d.empty}}</span></div>
  <div v-else class="scrollx"><table class="lt dr"><thead><tr><th scope="col">Account</th><th scope="col">Symbol</th><th class="n" scope="col">Broker shows</th><th class="n" scope="col">Our runs hold</th><th class="n" scope="col">Difference</th><th scope="col">Since</th><th scope="col">What is known</th></tr></thead>
  <tbody><template v-for="r in d.rows" :key="r.key"><tr class="nob" :class="r.ignored?'':'hot'"><td data-l="Account"><span class="ac"><span class="sq s" :style="{background:'var(--acc-'+r.colour+')'}">{{r.initials}}</span>{{r.account}}</span></td><td data-l="Symbol"><span class="b5">{{r.symbol}}</span> <span class="t3">{{r.exchange}} · {{r.product}}</span></td><td class="n" data-l="Broker shows">{{q(r.broker)}}</td><td class="n" data-l="Our runs hold">{{q(r.ours)}}</td><td class="n b5" :class="r.ignored?'t3':'warn'" data-l="Difference">{{q(r.drift)}}</td><td data-l="Since" class="nw">{{age(r.since)}}</td>
   <td data-l="What is known" class="wrap"><span class="bd" :class="r.confirmed?'warn':''">{{r.confirmed?'confirmed':'being checked'}}</span> <span class="bd o">{{r.explained?'explained':'not explained'}}</span> <span v-if="r.ignored" class="bd">ignored until it changes</span><span v-if="r.claimed" class="sub2">an exit left out {{r.claimed}}</span></td></tr>
   <tr class="rsn" :class="r.ignored?'':'hot'"><td colspan="7"><div class="t2 f12" style="white-space:normal;padding-bottom:6px">{{r.said}}</div><div class="rw wr acts"><button v-for="a in r.acts" :key="a.name" class="btn bs" :class="a.kind" :disabled="a.off" :title="a.why" @click="$emit('act',{name:a.name,key:r.key})">{{a.label}}</button></div></td></tr></template></tbody></table></div></div>`,
};
