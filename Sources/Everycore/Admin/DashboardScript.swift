// The dashboard's script: figures as they come, into the tables that the page was served with. Everything is set as text, never as markup; what
// comes from requests can't become anything else. The charts are in DashboardCharts.swift, whose functions this one calls.
// Served by the admin worker, run by browsers.

let dashboardTools: StaticString = #"""
    'use strict';
    const $=id=>document.getElementById(id);
    const sig=(v,units)=>{
      if(!(v>0))return '0'+units[0];
      let i=0;
      while(i<units.length-1&&v>=999.5){v/=1000;i++}
      return +v.toFixed(i==0||v>=99.95?0:v>=9.995?1:2)+units[i];
    };
    const none='–';
    const time=s=>s>0?sig(s*1e9,['ns','µs','ms','s']):none;
    const bytes=v=>v==null?none:sig(v,['B','kB','MB','GB','TB']);
    const count=v=>v==null?none:v<1e5?String(v):sig(v,['','k','M','G','T']);
    const rate=v=>v==null?none:v<99.95?String(+v.toFixed(1)):v<1e5?v.toFixed(0):sig(v,['','k','M','G']);
    const share=v=>v==null?none:(v*100).toFixed(v<.0995?1:0)+'%';
    const two=v=>(v<10?'0':'')+v;
    const age=s=>{
      if(s==null)return none;
      if(s<60)return +s.toFixed(1)+'s';
      s=Math.floor(s);
      const m=Math.floor(s/60)%60,h=Math.floor(s/3600)%24,d=Math.floor(s/86400);
      return d?d+'d '+two(h)+'h '+two(m)+'m':h?h+'h '+two(m)+'m '+two(s%60)+'s':m+'m '+two(s%60)+'s';
    };
    const clock=ms=>new Date(ms).toLocaleTimeString('en-GB');
    const marks={start:'started',reload:'reloaded',reload_failed:'reload failed',upgrade:'upgraded',upgrade_failed:'upgrade failed',
      scaling:'scaled',quarantine:'quarantined',quarantine_ended:'quarantine ended',death:'died',stuck:'ended, stuck',stop:'stopping'};
    const isBad=kind=>/failed|^quarantine$|death|stuck/.test(kind);
    const markText=m=>(marks[m[1]]||m[1])+(m[1]=='scaling'?' to '+m[2]:m[2]>1?' ×'+m[2]:'')+(m[3]?': '+m[3]:'');

    // Rows of a table: an array of cells, each a text or [text, class]; the first is the row's header.
    const fill=(id,rows,empty)=>{
      const body=$(id),list=rows.length?rows:null;
      if(!list){body.replaceChildren(cell('tr',[[empty,'none']]));body.firstChild.firstChild.colSpan=20;return}
      while(body.children.length>list.length)body.lastChild.remove();
      list.forEach((row,i)=>{
        const old=body.children[i];
        if(!old||old.children.length!=row.length||old.firstChild.tagName!='TH'){
          const made=cell('tr',row,true);
          old?old.replaceWith(made):body.append(made);
          return;
        }
        row.forEach((c,j)=>{
          const [text,kind]=Array.isArray(c)?c:[c,''];
          const e=old.children[j];
          if(e.textContent!=text)e.textContent=text;
          if(e.className!=(kind||''))e.className=kind||'';
        });
      });
    };
    const cell=(tag,cells,headed)=>{
      const row=document.createElement(tag);
      cells.forEach((c,i)=>{
        const e=document.createElement(headed&&i==0?'th':'td');
        if(e.tagName=='TH')e.scope='row';
        const [text,kind]=Array.isArray(c)?c:[c,''];
        e.textContent=text;
        if(kind)e.className=kind;
        row.append(e);
      });
      return row;
    };
    const set=(id,text,kind)=>{const e=$(id);if(e.textContent!=text)e.textContent=text;if(kind!=null)e.className=kind};

    """#

/// After the tools and the charts.
let dashboardLive: StaticString = #"""
    let last=null;
    const show=f=>{
      const i=f.interval,s=i.seconds||1,has=i.seconds>0;
      set('up',age(f.server.uptime_seconds));
      set('ready',f.server.workers_ready+' of '+f.server.workers_wanted,f.server.workers_ready<f.server.workers_wanted?'warn':'');
      set('restarts',String(f.server.restarts));
      if(has){
        const errors=i.responses[4]/s;
        set('rate',rate(i.requests/s));
        set('errors',rate(errors),errors>0?'bad':'');
        set('client',rate(i.responses[3]/s)+' 4xx/s');
        set('p50',time(i.p50));set('p90','p90 '+time(i.p90));
        set('p99',time(i.p99));set('p999','p99.9 '+time(i.p999));
        set('out',bytes(i.bytes_out/s)+'/s');set('in',bytes(i.bytes_in/s)+'/s in');
        set('accepted',rate(i.accepted/s)+' new/s');
      }
      set('requests',count(f.total.requests)+' in all');
      set('open',count(f.total.connections.open));
      let all=0,known=false,memory=0;
      fill('workers',f.workers.map(w=>{
        if(w.cpu!=null){all+=w.cpu;known=true}
        const m=w.memory?.pss_bytes??w.resident_bytes,q=w.accept_queue,l=w.loop||{};
        memory+=m;
        const full=q&&q.limit&&q.length*2>q.limit;
        return[String(w.slot),String(w.generation),String(w.pid),[w.state,'t state '+w.state],age(w.uptime_seconds),rate(w.rate),time(w.p99),
          count(w.open),q?[q.length+(q.limit?' / '+q.limit:''),full?'bad':q.length?'warn':'']:none,l.lag_seconds?time(l.lag_seconds.p99):none,
          share(l.busy),share(w.cpu),bytes(m),[String(w.restarts),w.restarts?'warn':'']];
      }),'no workers');
      set('cpu',known?share(all):none);set('memory',bytes(memory)+' memory');
      set('omitted',f.workers_omitted?'and '+f.workers_omitted+' more':'');
      fill('running',(f.requests||[]).map(r=>[[(r.method+' '+r.target).trim(),'w'],age(r.age_seconds),[r.state,'t'],r.worker<0?'quarantine':String(r.worker),String(r.pid)]),'none');
      fill('exits',f.exits.map(e=>[clock(e.time*1000),[e.slot<0?'quarantine':String(e.slot),''],[e.kind+(e.kind=='voluntary'?'':', '+e.reason),'t'+(e.kind=='voluntary'?'':' bad')],
        age(e.uptime_seconds),[e.request?e.request+' ('+time(e.age_seconds)+')':none,'t w']]),'none');
      fill('quarantine',f.quarantine.active.map(q=>[[q.route,'w'],[q.request||'all','t w'],String(q.deaths),age(q.age_seconds),age(q.remaining_seconds)]),'nothing is quarantined');
      fill('marks',(f.marks||[]).slice(-8).reverse().map(m=>[clock(m[0]),[markText(m),'t w'+(isBad(m[1])?' bad':'')]]),'none');
      charts.add(f.steps||[],f.marks||[],f.time);
    };

    const link=$('link');
    let source,again;
    const state=(text,kind)=>set('link',text,kind);
    const listen=()=>{
      clearTimeout(again);
      source?.close();
      if(document.hidden)return;
      source=new EventSource('events');
      source.onmessage=e=>{
        last=Date.now();
        state('live','on');
        show(JSON.parse(e.data));
      };
      source.onerror=()=>{
        state('connection lost, trying again','off');
        if(source.readyState==2){source.close();again=setTimeout(listen,3000)}
      };
    };
    setInterval(()=>{if(last&&Date.now()-last>3500)state('no figures for '+age(Math.round((Date.now()-last)/1000)),'off')},1000);
    document.addEventListener('visibilitychange',()=>{
      if(document.hidden){clearTimeout(again);source?.close();state('paused','')}else{listen();charts.load()}
    });
    document.documentElement.classList.add('live');
    charts.start();
    listen();

    """#
