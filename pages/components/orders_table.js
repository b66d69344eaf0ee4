// Orders or fills: sort by head, filter by text, CSV of what is shown; a reason has its own line, a row opens.
export default {
  props: {initial: Object},
  emits: ['act'],
  data() { return {d: this.initial, text: '', by: null, down: true, opened: null, t: 0}; },
  computed: {
    rows() {
      const want = this.text.toLowerCase();
      let rows = this.d.rows.filter((r) => !want || r.cells.some((c) => String(c.v ?? '').toLowerCase().includes(want)));
      if (this.by !== null) {
        const value = (r) => { const v = r.cells[this.by].v; return v !== '' && !isNaN(v) ? Number(v) : String(v ?? ''); };
        rows = [...rows].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (this.down ? -1 : 1));
      }
      return rows;
    },
    wide() { return this.d.head.length + (this.d.acts ? 1 : 0); },
  },
  methods: {
    patch(d) {
      if (d.changed) {
        const map = new Map(this.d.rows.map((r) => [r.key, r]));
        for (const r of d.changed) map.set(r.key, r);
        this.d = {...this.d, rows: d.order.map((k) => map.get(k)).filter(Boolean)};
      } else this.d = d;
    },
    sort(i) { if (this.by === i) this.down = !this.down; else { this.by = i; this.down = true; } },
    toggle(r) { if (r.more) this.opened = this.opened === r.key ? null : r.key; },
    show(c) { return c.k === 'price' ? AM.number(c.v) : c.k === 'time' ? AM.time(c.v) : c.k === 'qty' ? AM.number(c.v, 0) : c.v; },
    csv() { AM.csv(this.d.file, this.d.head.map((h) => h.t), this.rows.map((r) => r.cells.map((c) => c.k === 'time' ? new Date(c.v).toISOString() : c.v))); },
  },
  template: `<div><div v-if="!d.rows.length" class="empty">{{d.empty}}</div><template v-else>
  <div class="rw" style="padding:8px 14px;border-bottom:1px solid var(--line)"><div class="inp" style="width:240px;max-width:60vw"><svg class="i s" style="margin:0"><use href="#search"/></svg><input v-model="text" placeholder="Filter" aria-label="Filter" style="background:none;border:0;outline:0;width:100%;color:var(--t1)"></div><span class="f12 t3">{{rows.length}} of {{d.rows.length}}</span><span class="sp"></span><button class="btn bs q" @click="csv"><svg class="i s"><use href="#dl"/></svg>CSV</button></div>
  <div class="scrollx"><table class="lt cards" :class="d.acts?'ordt':'filt'"><thead><tr><th v-for="(h,i) in d.head" :key="h.t" scope="col" :class="h.n?'n':''" @click="sort(i)" style="cursor:pointer">{{h.t}}<span v-if="by===i"> {{down?'↓':'↑'}}</span></th><th v-if="d.acts"></th></tr></thead>
  <tbody><template v-for="r in rows" :key="r.key"><tr :class="['m', r.cls, {nob: r.reason || r.open || opened===r.key, opn: r.more}]" @click="toggle(r)"><td v-for="(c,i) in r.cells" :key="i" :class="[d.head[i].n?'n':'', d.head[i].hp?'hp':'']"><span v-if="c.k==='side'" class="bd" :class="c.v==='BUY'?'buy':'sell'">{{c.v}}</span><span v-else-if="c.k==='badge'" class="bd" :class="c.c">{{c.v}}</span><a v-else-if="c.k==='link'" class="lnk" :href="c.h" @click.stop>{{c.v}}</a><span v-else :class="[c.k==='strong'?'b5':'', c.c]">{{show(c)}}</span></td>
   <td v-if="d.acts" class="n"><button v-if="r.more" class="ib" style="display:inline-grid;background:none;border:0" @click.stop="toggle(r)" :aria-expanded="opened===r.key" :aria-label="'Details of ' + r.key"><svg class="i s" :style="{transform: opened===r.key ? 'rotate(90deg)' : ''}"><use href="#right"/></svg></button></td></tr>
   <tr v-if="r.reason" class="rsn" :class="['m', r.cls, {nob: r.open || opened===r.key}]"><td :colspan="wide" style="white-space:normal"><svg v-if="r.cls==='unk'" class="i x danger"><use href="#alert"/></svg> {{r.reason}}</td></tr>
   <tr v-if="r.open" class="rsn" :class="{nob: opened===r.key}"><td :colspan="wide"><span class="rw wr acts"><button class="btn bs" v-if="r.priced" @click="$emit('act',{name:'modify',id:r.key})">Modify price</button><button class="btn bs" v-if="r.priced" @click="$emit('act',{name:'convert',id:r.key})">Convert to market</button><button class="btn bs d" @click="$emit('act',{name:'cancel',id:r.key})">Cancel</button></span></td></tr>
   <tr v-if="opened===r.key" class="rsn more"><td :colspan="wide" style="white-space:normal"><dl><template v-for="m in r.more" :key="m[0]"><dt>{{m[0]}}</dt><dd>{{m[1]}}</dd></template></dl></td></tr></template></tbody></table></div></template></div>`,
};
