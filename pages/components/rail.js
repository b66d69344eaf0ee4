// From max loss to max profit on one line: zero, now, peak.
export default {
  props: {initial: Object},
  data() { return {d: this.initial}; },
  computed: {
    ends() {
      const now = Number(this.d.now), peak = Number(this.d.peak), low = Number(this.d.trough);
      const lo = this.d.low !== null ? Number(this.d.low) : Math.min(low, now, -1) * 1.3;
      const hi = this.d.high !== null ? Number(this.d.high) : Math.max(peak, now, 1) * 1.3;
      return [Math.min(lo, now), Math.max(hi, now)];
    },
  },
  methods: {
    patch(d) { this.d = d; },
    at(v) { const [lo, hi] = this.ends; return Math.max(0, Math.min(100, 100 * (Number(v) - lo) / (hi - lo))); },
    pnl(v) { return AM.pnl(v, 0); },
  },
  template: `<div class="card" style="padding:10px 16px 10px;margin-bottom:14px"><div class="rw f12"><b class="b5" style="font-size:13px">Where this run stands</b><span class="t3 no-ph">all money rules on one line</span><span class="sp"></span><span class="warn b5" v-if="d.nearest">{{d.nearest}} to the nearest exit</span></div>
  <div style="position:relative;height:58px;margin:4px 10px 0"><div style="position:absolute;left:0;right:0;top:28px;height:6px;border-radius:3px;background:var(--s3)"></div>
   <div v-if="d.low!==null" style="position:absolute;left:0;top:28px;height:6px;width:3%;background:var(--neg);opacity:.6;border-radius:3px"></div><div v-if="d.high!==null" style="position:absolute;right:0;top:28px;height:6px;width:3%;background:var(--pos);opacity:.6;border-radius:3px"></div>
   <div :style="{left: at(0) + '%'}" style="position:absolute;top:24px;width:1px;height:14px;background:var(--t3)"></div><span class="f11 t3 no-ph" :style="{left: at(0) + '%'}" style="position:absolute;top:40px;transform:translateX(-50%)">0</span>
   <div :style="{left: at(d.peak) + '%'}" style="position:absolute;top:26px;width:9px;height:9px;margin-left:-5px;border-radius:50%;border:2px solid var(--t2);background:var(--s1)" title="peak"></div>
   <div :style="{left: at(d.now) + '%', background: Number(d.now) < 0 ? 'var(--neg)' : 'var(--pos)'}" style="position:absolute;top:24px;width:13px;height:13px;margin-left:-7px;border-radius:50%"></div>
   <span class="f12 b5 nw" :style="{left: Math.min(88, Math.max(12, at(d.now))) + '%'}" style="position:absolute;top:2px;transform:translateX(-50%)">now {{pnl(d.now)}}</span>
   <span class="f12 neg nw" v-if="d.low!==null" style="position:absolute;left:0;top:40px">Max loss {{pnl(d.low)}}</span><span class="f12 pos nw" v-if="d.high!==null" style="position:absolute;right:0;top:40px">Max profit {{pnl(d.high)}}</span></div></div>`,
};
