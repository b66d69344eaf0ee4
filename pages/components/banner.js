// One line under the bar: the worst thing first. A siren is filled red, sounds, and wants to be acknowledged.
export default {
  props: {initial: Object},
  emits: ['ack'],
  data() { return {d: this.initial, pressed: 0}; },
  computed: { siren() { return this.d.level === 'siren'; } },
  methods: {
    patch(d) {
      this.d = d;
      if (d.id !== this.pressed) this.pressed = 0;
      document.querySelector('main.page')?.classList.toggle('banner', !!d.text);
      this.$nextTick(() => document.documentElement.style.setProperty('--strip', (this.$el?.offsetHeight || 38) + 'px'));
      document.title = (this.siren ? '(!) ' : '') + 'AlgoMirror';
      if (this.siren && !this.timer) { this.sound(); this.timer = setInterval(() => this.sound(), 10000); }
      if (!this.siren) { clearInterval(this.timer); this.timer = null; }
    },
    sound() {
      try {
        const c = this.audio ||= new AudioContext();
        if (c.state !== 'running') return;
        const o = c.createOscillator(), g = c.createGain();
        o.frequency.value = 740; g.gain.value = 0.08; o.connect(g).connect(c.destination); o.start(); o.stop(c.currentTime + 0.35);
      } catch (e) { /* a machine without sound still shows it */ }
    },
    ack() { this.pressed = this.d.id; this.$emit('ack', {id: this.d.id}); },
  },
  mounted() { this.patch(this.d); },
  unmounted() { clearInterval(this.timer); },
  template: `<div v-if="d.text" class="strip" :class="{d: d.level==='danger', sir: siren}" :role="siren ? 'alert' : 'status'"><svg class="i" :class="siren ? '' : d.level==='danger'?'danger':'warn'"><use href="#alert"/></svg>
    <span class="say" :title="d.text + ' ' + d.detail"><b class="b5">{{d.text}}</b> <span :class="siren ? '' : 't2'">{{d.detail}}</span></span><a class="a" v-if="d.link" :class="{btn: siren}" :href="d.link">{{d.label}}</a><button v-if="siren" class="btn ackb" :disabled="pressed === d.id" @click="ack">Acknowledge</button></div>`,
};
