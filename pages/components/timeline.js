// What happened, newest first.
export default {
  props: {initial: Object},
  data() { return {d: this.initial}; },
  methods: { patch(d) { this.d = d; }, time(v) { return AM.time(v); }, ms(v) { return new Date(v + 19800000).toISOString().slice(11, 23); } },
  template: `<div class="tl" style="padding:8px 14px" aria-live="polite"><div v-if="!d.events.length" class="empty">Nothing has happened yet.</div>
  <div v-for="e in d.events" :key="e.id" class="ev" :class="{ok: e.level==='info', warn: e.level!=='info'}"><time :title="ms(e.at)">{{time(e.at)}}</time><span class="d"></span><p :class="{danger: e.level==='critical'}">{{e.text}}<small v-if="e.detail">{{e.detail}}</small></p></div></div>`,
};
