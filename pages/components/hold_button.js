// Press and hold by mouse, touch or Space; letting go cancels. Emits once.
export default {
  props: {initial: Object},
  emits: ['held'],
  data() { return {d: this.initial, part: 0, done: false}; },
  methods: {
    patch(d) { this.d = {...this.d, ...d}; if (d.reset) { this.done = false; this.part = 0; } },
    begin() {
      if (this.done || this.timer) return;
      const start = performance.now();
      this.timer = setInterval(() => {
        this.part = Math.min(1, (performance.now() - start) / (1000 * this.d.seconds));
        if (this.part >= 1) { this.stop(); this.done = true; this.part = 1; this.$emit('held'); if (this.d.post) fetch(this.d.post, {method: 'POST'}); }
      }, 30);
    },
    stop() { clearInterval(this.timer); this.timer = null; if (!this.done) this.part = 0; },
  },
  unmounted() { clearInterval(this.timer); },
  template: `<span v-if="d.hidden"></span><button v-else-if="!d.ring" class="btn d hold" :disabled="done" @pointerdown="begin" @pointerup="stop" @pointerleave="stop" @keydown.space.prevent="begin" @keyup.space="stop" :aria-label="d.label + ', hold ' + d.seconds + ' seconds'"><i :style="{width: 100*part + '%'}"></i><svg class="i s"><use href="#power"/></svg><span style="position:relative">{{done ? d.doneLabel || 'Sent' : d.label}}</span></button>
  <button v-else class="holdring" @pointerdown="begin" @pointerup="stop" @pointerleave="stop" @keydown.space.prevent="begin" @keyup.space="stop" @contextmenu.prevent :aria-label="d.label + ', hold ' + d.seconds + ' seconds'" style="background:none;border:0"><svg width="176" height="176" viewBox="0 0 176 176"><circle cx="88" cy="88" r="80" fill="none" stroke="var(--s3)" stroke-width="10"/><circle cx="88" cy="88" r="80" fill="none" stroke="var(--danger)" stroke-width="10" stroke-linecap="round" transform="rotate(-90 88 88)" :stroke-dasharray="503" :stroke-dashoffset="503*(1-part)"/><circle cx="88" cy="88" r="66" fill="var(--danger-fill)"/><text x="88" y="84" text-anchor="middle" fill="#fff" style="font:600 20px var(--font)">{{done ? 'SENT' : 'HOLD'}}</text><text x="88" y="106" text-anchor="middle" fill="#fff" style="font:400 12px var(--font)">{{done ? 'exits are leaving' : d.seconds + ' seconds'}}</text></svg></button>`,
};
