// What waits for a person, worst first: age, what it means, choices.
export default {
  props: {initial: Object},
  emits: ['act'],
  data() { return {d: this.initial, t: 0}; },
  mounted() { this.timer = setInterval(() => { this.t++; }, 1000); },
  unmounted() { clearInterval(this.timer); },
  methods: {
    patch(d) { this.d = d; },
    age(ms) { return this.t, ms ? AM.age(ms) : 'age unknown'; },
    stamp(ms) { return ms ? 'since ' + AM.time(ms) : ''; },
    act(i, a) { if (a.name === 'kill') document.querySelector('.kill').click(); else this.$emit('act', {name: a.name, key: i.key}); },
  },
  template: `<div><div v-if="!d.items.length" class="empty"><svg class="i l" style="display:block;margin:0 auto 10px"><use href="#shield"/></svg>{{d.empty}}</div>
  <section v-for="i in d.items" :key="i.key" class="card need" :class="'n-' + i.tone"><div class="rw wr g12"><span class="bd" :class="i.tone">{{i.word}}</span><span class="ac"><span class="sq" :style="{background:'var(--acc-'+i.colour+')'}">{{i.initials}}</span>{{i.account}}</span><span class="bd" :class="i.mode==='live'?'ok':'warn'">{{i.mode==='unknown'?'MODE ?':i.mode.toUpperCase()}}</span><span class="sp"></span><span class="t3 f12 nw" :title="stamp(i.since)">{{age(i.since)}}</span></div>
   <a class="b5 ttl" :href="i.link">{{i.title}}</a><div class="t2 f12" style="white-space:normal">{{i.detail}}</div><div class="t3 f12" style="white-space:normal">{{i.consequence}}</div>
   <div class="rw wr acts"><button v-for="a in i.acts" :key="a.name" class="btn bs" :class="a.kind" @click="act(i, a)">{{a.label}}</button></div></section></div>`,
};
