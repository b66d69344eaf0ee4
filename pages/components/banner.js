// One line under the bar: the worst thing first.
export default {
  props: {initial: Object},
  data() { return {d: this.initial}; },
  methods: { patch(d) { this.d = d; document.querySelector('main.page')?.classList.toggle('banner', !!d.text); } },
  mounted() { this.patch(this.d); },
  template: `<div v-if="d.text" class="strip" :class="{d: d.level==='danger'}" role="status"><svg class="i" :class="d.level==='danger'?'danger':'warn'"><use href="#alert"/></svg>
    <span><b class="b5">{{d.text}}</b> <span class="t2">{{d.detail}}</span></span><a class="a" v-if="d.link" :href="d.link">{{d.label}}</a></div>`,
};
