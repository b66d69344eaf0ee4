// One card an account, those that need you first.
export default {
  props: {initial: Object},
  emits: ['act'],
  data() { return {d: this.initial, t: 0}; },
  mounted() { this.timer = setInterval(() => { this.t++; }, 1000); },
  unmounted() { clearInterval(this.timer); },
  methods: {
    patch(d) { this.d = d; },
    pnl(v) { return AM.pnl(v); }, sign(v) { return AM.sign(v); }, arrow(v) { return AM.arrow(v); }, short(v) { return AM.short(v); },
    age(ms) { return this.t, ms ? AM.age(ms) + ' ago' : 'not read yet'; },
    part(a) { const u = Number(a.used), f = Number(a.available); return u + f > 0 ? Math.round(100 * u / (u + f)) : 0; },
  },
  template: `<div class="grid"><div v-for="a in d.accounts" :key="a.id" class="card c4" :style="a.tone ? 'border-color:color-mix(in srgb,var(--' + a.tone + ') 50%,var(--line))' : ''">
    <header><a class="ac" :href="'/accounts/' + a.id"><span class="sq" :style="{background: 'var(--acc-' + a.colour + ')'}">{{a.initials}}</span>{{a.name}} <small>{{a.broker}}</small></a><span class="sp"></span>
      <span class="bd o">{{a.role}}</span><span class="bd" :class="a.mode==='live'?'ok':a.mode==='paper'?'warn':''">{{a.mode==='unknown'?'MODE ?':a.mode.toUpperCase()}}</span></header>
    <div class="body"><div class="rw" style="align-items:flex-end"><div><div class="f12 t3">Day P&amp;L</div><div style="font:var(--f-20);font-weight:600" :class="sign(a.pnl)"><span v-if="arrow(a.pnl)" style="font-size:.62em;vertical-align:.12em;margin-right:4px">{{arrow(a.pnl)}}</span>{{pnl(a.pnl)}}</div></div><span class="sp"></span>
      <div class="ra"><span class="st" :class="a.tone==='warn'?'warn':a.tone==='danger'?'dng':a.connection==='connected'?'ok':''">{{a.stateText}}</span><div class="f12 t3" v-if="a.ping !== null">ping {{a.ping}} ms</div></div></div>
      <div v-if="a.why" class="f12 warn" style="margin-top:6px;white-space:normal">{{a.why}}</div>
      <div class="rw f12" style="margin-top:10px"><span class="t3">Margin used</span><span class="nw" :class="{unp: a.available===null}">{{short(a.used)}}</span><span class="sp"></span><span class="t3">{{a.available===null?'':part(a)+' %'}}</span></div>
      <div class="br" style="margin:6px 0 10px"><i :style="{width: part(a) + '%'}"></i></div>
      <div class="rw f12 wr"><span class="t3">Free <b class="b5" style="color:var(--t1)">{{short(a.available)}}</b></span><span class="t3">Positions <b class="b5" style="color:var(--t1)">{{a.positions}}</b></span><span class="t3">Drift <b class="b5" :class="a.drift ? 'danger':''" :style="a.drift ? '' : 'color:var(--t1)'">{{a.drift===null?'unknown':a.drift}}</b></span><span class="sp"></span><span class="t3">books {{age(a.booksAt)}}</span></div></div>
    <footer v-if="d.manage"><a class="lnk" :href="'/accounts/' + a.id">Edit</a><button class="lnk" @click="$emit('act', {name:'test', id:a.id})">Test</button><button class="lnk" v-if="!a.primary" @click="$emit('act', {name:'primary', id:a.id})">Make primary</button><span class="sp"></span><button class="lnk danger" @click="$emit('act', {name:'delete', id:a.id})">Delete</button></footer>
  </div></div>`,
};
