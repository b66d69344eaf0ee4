// The kill switch: a native dialog, so that it opens, sends (plain POST) and counts down without the socket.
export default {
  props: {initial: Object},
  data() { return {d: this.initial, open: false, chosen: '', foreign: false, part: 0, sent: false, asking: false, from: 0, error: '', steps: 0, fresh: Date.now(), t: 0}; },
  mounted() {
    this.entry = (e) => { if (e.target.closest && e.target.closest('.kill,.pnav .k')) this.show(); };
    document.addEventListener('click', this.entry);
    this.timer = setInterval(() => { this.t++; if (this.open && this.sent && Date.now() - this.fresh > 2000) this.read(); }, 1000);
  },
  unmounted() { document.removeEventListener('click', this.entry); clearInterval(this.timer); clearInterval(this.holding); },
  computed: {
    scope() { return this.d.scopes.find((s) => s.id === this.chosen) || this.d.scopes[0]; },
    counting() { return this.sent || this.d.kills.some((k) => !k.flat); },
    shown() { return this.d.kills.filter((k) => !k.flat || (this.sent ? k.kill > this.from : true)); },
    left() { return this.shown.filter((k) => !k.flat); },
    isFlat() { return this.counting && this.shown.length > 0 && this.left.length === 0; },
    last() { return !this.counting && this.d.kills.length ? 'Last pull: FLAT ' + this.flatAt + 'books agree' : ''; },
    flatAt() { const at = Math.max(0, ...this.shown.map((k) => k.flatAt || 0)); return at ? AM.time(at) + ', ' : ''; },
    names() { return [...new Set(this.left.map((k) => k.name))].join(', '); },
    scopes() {
      const said = (k) => k.scope.charAt(0).toUpperCase() + k.scope.slice(1) + (k.foreign ? ', with what AlgoMirror did not open' : '');
      return [...new Set(this.shown.filter((k) => k.scope).map(said))].join(' · ');
    },
    waiting() { return this.t, this.sent && !this.shown.length; },
    ours() { return this.scope.rows.reduce((n, r) => n + r.positions, 0); },
    said() {
      const rows = this.scope.rows.filter((r) => r.positions), n = this.ours;
      return `Stops new entries${this.chosen ? ' there' : ''}, cancels working orders and exits ${n} position${n === 1 ? '' : 's'}` + (rows.length ? ` in ${rows.length} account${rows.length === 1 ? '' : 's'}. Shorts first.` : '.');
    },
    byStrategy() { return this.chosen.startsWith('strategy:'); },
    act() { return this.chosen ? 'Exit ' + this.scope.label.replace(/^Account |^Strategy /, '') : 'Exit everything'; },
  },
  methods: {
    patch(d) { this.d = d; this.fresh = Date.now(); if (!d.scopes.some((s) => s.id === this.chosen)) this.chosen = ''; },
    pnl(v) { return AM.pnl(v); }, sign(v) { return AM.sign(v); }, arrow(v) { return AM.arrow(v); },
    wide(k) { return k.orders ? Math.round(100 * k.filled / k.orders) : k.flat ? 100 : 0; },
    show() {
      if (this.open) return;
      if (!this.counting || this.isFlat) { this.sent = false; this.part = 0; this.steps = 0; this.foreign = false; this.chosen = ''; this.error = ''; }
      this.open = true;
      this.$refs.box.showModal();
      this.$nextTick(() => this.$refs.ring ? this.$refs.ring.focus() : this.$refs.close.focus());
    },
    hide() { this.stop(); this.$refs.box.close(); },
    closed() { this.stop(); this.open = false; },
    begin() {
      if (this.sent || this.asking || this.holding) return;
      this.error = '';
      const start = performance.now();
      this.holding = setInterval(() => {
        this.part = Math.min(1, (performance.now() - start) / 2000);
        if (this.part >= 1) { this.stop(true); this.send(); }
      }, 30);
    },
    stop(done) { clearInterval(this.holding); this.holding = null; if (done !== true && !this.asking && !this.sent) this.part = 0; },
    second() { this.steps = 1; this.$nextTick(() => this.$refs.second.focus()); },
    async send() {
      if (this.sent || this.asking) return;
      this.asking = true;
      this.from = Math.max(0, ...this.d.kills.map((k) => k.kill));
      const [kind, id] = this.chosen.split(':');
      const body = {account: kind === 'account' ? Number(id) : null, strategy: kind === 'strategy' ? Number(id) : null, with_foreign: this.foreign && kind !== 'strategy'};
      try {
        const answer = await fetch('/kill', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body), signal: AbortSignal.timeout(8000)});
        if (answer.status === 202) { this.sent = true; this.fresh = Date.now(); this.$nextTick(() => this.$refs.close && this.$refs.close.focus()); }
        else if (answer.status === 403) this.error = 'You are signed out: nothing was sent. Sign in and hold again.';
        else this.error = (await answer.json().catch(() => ({}))).error || `Nothing was sent: AlgoMirror answered ${answer.status}. Hold again.`;
      } catch (e) {
        this.error = `No answer from AlgoMirror: it may not have been sent. Hold again, or on its machine: algomirror kill (or touch ${this.d.folder}/KILL).`;
      }
      this.asking = false;
      if (!this.sent) { this.part = 0; this.steps = 0; }
    },
    async read() { try { this.patch(await (await fetch('/kill', {signal: AbortSignal.timeout(3000)})).json()); } catch (e) { /* the next second asks again */ } },
  },
  template: `<dialog ref="box" class="killbox" aria-labelledby="killhead" @close="closed">
  <header><svg class="i danger"><use href="#power"/></svg><h2 id="killhead">Kill switch</h2><span class="sp"></span><button ref="close" class="ib" @click="hide" aria-label="Close; what was sent goes on"><svg class="i"><use href="#x"/></svg></button></header>
  <div v-if="counting" class="kb">
    <div class="t2 kl">{{scopes || 'Everything'}}. Closing this window stops nothing.</div>
    <div v-if="waiting" class="note warn"><svg class="i warn"><use href="#clock"/></svg><span>Sent. Waiting for the engine to say what leaves.</span></div>
    <div v-for="k in shown" :key="k.key" class="krow"><span class="ac"><span class="sq" :style="{background:'var(--acc-'+k.colour+')'}">{{k.initials}}</span>{{k.name}}</span>
      <span class="br"><i :class="k.flat?'ok':k.text?'warn':''" :style="{width: wide(k)+'%'}"></i></span><span class="ra nw" :class="k.flat?'pos b5':'t2'">{{k.count}}</span>
      <span v-if="k.text" class="why warn">{{k.text}}</span></div>
    <div class="kend" :class="isFlat?'pos':'danger'" role="alert"><b>{{isFlat ? 'FLAT ' + flatAt + 'books agree' : waiting ? 'Not flat yet' : 'Not flat: ' + names}}</b><span v-if="!isFlat" class="t3 f12">stays red until every book agrees</span></div>
  </div>
  <div v-else class="kb">
    <div v-if="last" class="pos f12">{{last}}</div>
    <div class="t2 kl">{{said}}</div>
    <label class="fld"><span class="f12 t3">What to close</span><select class="sel" v-model="chosen" aria-label="What to close"><option v-for="s in d.scopes" :key="s.id" :value="s.id">{{s.label}}</option></select></label>
    <div v-if="!scope.rows.length" class="empty" style="padding:14px">No account is connected.</div>
    <div class="krows"><div v-for="r in scope.rows" :key="r.id" class="krow"><span class="ac"><span class="sq" :style="{background:'var(--acc-'+r.colour+')'}">{{r.initials}}</span>{{r.name}} <small>{{r.broker}}</small></span>
      <span class="ra f12" :class="r.state?'warn':'t3'">{{r.state || r.text}}</span><b class="b5 ra nw" :class="sign(r.pnl)"><span v-if="arrow(r.pnl)" style="font-size:.7em;margin-right:4px">{{arrow(r.pnl)}}</span>{{pnl(r.pnl)}}</b><span v-if="r.state" class="why t3">{{r.text}}</span></div></div>
    <label v-if="!byStrategy" class="ktick"><span>Also close what AlgoMirror did not open (NFO, BFO)</span><input type="checkbox" class="swi" role="switch" v-model="foreign"></label>
    <div v-if="foreign && !byStrategy" class="note warn" role="alert"><svg class="i warn"><use href="#alert"/></svg><span>Every NFO and BFO position on {{chosen ? 'this account' : 'these accounts'}} is closed at market, whoever opened it: by hand, by another program, as a hedge.</span></div>
    <button ref="ring" class="holdring" @pointerdown="begin" @pointerup="stop" @pointerleave="stop" @pointercancel="stop" @blur="stop" @keydown.space.prevent="$event.repeat || begin()" @keyup.space="stop" @keydown.enter.prevent @contextmenu.prevent :aria-label="act + ': hold 2 seconds, by Space or by touch'"><svg width="176" height="176" viewBox="0 0 176 176" aria-hidden="true"><circle cx="88" cy="88" r="80" fill="none" stroke="var(--s3)" stroke-width="10"/><circle cx="88" cy="88" r="80" fill="none" stroke="var(--danger)" stroke-width="10" stroke-linecap="round" transform="rotate(-90 88 88)" stroke-dasharray="503" :stroke-dashoffset="503*(1-part)" :opacity="part?1:0"/><circle cx="88" cy="88" r="66" fill="var(--danger-fill)"/><text x="88" y="84" text-anchor="middle" fill="#fff" style="font:600 17px var(--font)">{{asking ? 'Sending' : part ? 'Keep holding' : 'HOLD'}}</text><text x="88" y="106" text-anchor="middle" fill="#fff" style="font:400 13px var(--font)">{{part ? (2*(1-part)).toFixed(1) + ' s' : '2 seconds'}}</text></svg></button>
    <div v-if="error" class="note warn" role="alert"><svg class="i danger"><use href="#alert"/></svg><span class="danger">{{error}}</span></div>
    <div class="t3 f12" style="text-align:center">{{act}}. Release to cancel. Nothing has been sent until the ring closes.</div>
    <div class="twostep"><button v-if="steps===0" class="btn" @click="second">Cannot hold? Confirm in two steps</button><button v-else ref="second" class="btn df" :disabled="asking" @click="send" @keydown.enter.prevent>Second step: {{act}}, {{ours}} positions, now</button></div>
  </div></dialog>`,
};
