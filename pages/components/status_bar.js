// The app bar of every page; ages are computed here, so a dead socket greys them by itself.
export default {
  props: {initial: Object},
  data() { return {d: this.initial, t: 0, seen: Date.now()}; },
  mounted() { this.timer = setInterval(() => { this.t++; }, 500); },
  unmounted() { clearInterval(this.timer); },
  computed: {
    clock() { return this.t, AM.time(AM.now()); },
    lost() { return this.t, Date.now() - this.seen > 4000; },
    heart() { return this.t, this.d.heartbeat ? AM.now() - this.d.heartbeat : 0; },
    feedAge() { return this.t, this.d.oldest ? AM.age(this.d.oldest) : ''; },
    feedDot() { return this.t, this.d.feedOk ? (this.d.oldest ? AM.dot(this.d.oldest) : 'age f') : 'age w'; },
  },
  methods: {
    leave(e) { if (!window.confirm('Sign out ' + this.d.user + '? Rules and exits go on.')) e.preventDefault(); },
    patch(d) { AM.offset = d.server - Date.now(); this.seen = Date.now(); this.d = d; },
    num(v) { return AM.number(v); },
    theme() {
      const next = document.documentElement.dataset.theme === 'light' ? 'dark' : 'light';
      document.documentElement.dataset.theme = next;
      document.body.classList.toggle('body--dark', next === 'dark');
      document.body.classList.toggle('body--light', next === 'light');
      localStorage.setItem('am-theme', next);
      this.$emit('theme', next);
    },
  },
  template: `<div class="bar" role="banner">
    <a class="logo" href="/dashboard" aria-label="Dashboard"><span class="mark"><svg class="i" style="color:#fff"><use href="#wave"/></svg></span><span class="no-ph">AlgoMirror</span><span class="bd o" style="font-weight:400">{{d.env}}</span></a>
    <span class="tick" v-for="i in d.indices" :key="i[0]">{{i[0]}} <b>{{num(i[1])}}</b></span>
    <span class="sp"></span>
    <span class="chip dng" v-if="lost || heart > 2500" role="alert"><b>{{lost ? 'Reconnecting' : 'Engine silent ' + Math.round(heart/1000) + ' s'}}</b></span>
    <span class="chip"><svg class="i s"><use href="#clock"/></svg><b>{{clock}}</b> IST <span class="vr" style="height:12px"></span> <span>{{d.market}}</span></span>
    <span class="chip" :class="{dng: !d.feedOk && d.accounts}"><span :class="feedDot"></span>Feed <b>{{d.feed || 'none'}}</b> {{feedAge}}</span>
    <span class="chip" :class="d.state==='ACTIVE' ? 'ok' : 'warn'"><svg class="i s"><use href="#shield"/></svg><b>{{d.state}}</b> <span class="opt">{{d.rules}} rule<template v-if="d.rules!==1">s</template></span></span>
    <span class="rw g4"><a class="ib" href="/attention" :title="d.attention ? d.attention + ' need you' : 'Nothing needs you'" :aria-label="d.attention ? 'Attention list, ' + d.attention + ' need you' : 'Attention list'"><svg class="i"><use href="#alert"/></svg><span class="n d" v-if="d.attention">{{d.attention}}</span></a>
    <button class="ib" @click="theme" aria-label="Change theme"><svg class="i"><use href="#moon"/></svg></button></span>
    <a class="ava" href="/logout" @click="leave" :title="'Signed in as ' + d.user + '. Sign out'">{{d.initials}}</a>
    <button class="kill" aria-label="Open the kill switch"><svg class="i s"><use href="#power"/></svg>KILL</button>
  </div>`,
};
