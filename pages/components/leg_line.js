// Under a leg: what it means right now.
export default {
  props: {initial: Object},
  data() { return {d: this.initial, t: 0}; },
  mounted() { this.timer = setInterval(() => { this.t++; }, 1000); },
  unmounted() { clearInterval(this.timer); },
  methods: { patch(d) { this.d = d; }, n(v) { return AM.number(v); }, age(v) { return this.t, AM.age(v); }, dot(v) { return this.t, AM.dot(v); } },
  template: `<div class="live"><template v-if="d.error"><span class="danger">{{d.error}}</span></template><template v-else-if="!d.symbol"><span class="t3">resolving…</span></template>
  <template v-else><b>{{d.symbol}}</b><span><span :class="dot(d.at)"></span> <b>{{n(d.ltp)}}</b> {{age(d.at)}}</span><span>bid {{n(d.bid)}} · ask {{n(d.ask)}}</span><span v-if="d.iv">IV {{d.iv}} %</span><span v-if="d.delta">Δ {{d.delta}}</span><span>{{d.quantity}} qty · {{d.slices}} slice<template v-if="d.slices!==1">s</template> each</span></template></div>`,
};
