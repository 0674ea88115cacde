// The dashboard's charts, as SVG that its script draws: four of them over one time axis, with marks where something happened, and a cursor for
// the mouse and the arrow keys that reads the values out.
// Served by the admin worker, run by browsers.

let dashboardCharts: StaticString = #"""
    const charts=(()=>{
      const svg=(tag,at,text)=>{
        const e=document.createElementNS('http://www.w3.org/2000/svg',tag);
        for(const k in at)e.setAttribute(k,at[k]);
        if(text!=null)e.textContent=text;
        return e;
      };
      const per=(s,v)=>s[1]>0?v/s[1]:0;
      // A step: time in ms, seconds, requests, 1xx…5xx, bytes in and out, accepted, open, ready, wanted, p50, p90, p99, p99.9.
      const plots=[
        {id:'c-requests',area:true,format:rate,series:[['s1','2xx, 3xx',s=>per(s,s[3]+s[4]+s[5])],['s2','4xx',s=>per(s,s[6])],['s3','5xx',s=>per(s,s[7])]]},
        {id:'c-latency',log:true,format:time,series:[['s1','p50',s=>s[14]],['s5','p90',s=>s[15]],['s4','p99',s=>s[16]],['s3','p99.9',s=>s[17]]]},
        {id:'c-bytes',format:v=>bytes(v)+'/s',series:[['s1','out',s=>per(s,s[9])],['s5','in',s=>per(s,s[8])]]},
        {id:'c-connections',format:count,series:[['s1','open',s=>s[11]],['s5','new/s',s=>Math.round(per(s,s[10])*10)/10]]}
      ];
      const spans={'5m':[300,1],'1h':[3600,10],'24h':[86400,60]};
      let span='5m',steps=[],flags=[],now=Date.now(),cursor=null,loaded=0;

      const nice=v=>{
        const p=10**Math.floor(Math.log10(v));
        return[1,1.5,2,3,4,5,6,8,10].find(x=>x*p>=v*.999)*p;
      };
      const hour=ms=>new Date(ms).toLocaleTimeString('en-GB',span=='5m'?{minute:'2-digit',second:'2-digit',hour:'2-digit'}:{hour:'2-digit',minute:'2-digit'});

      const draw=plot=>{
        const box=$(plot.id),at=box.querySelector('svg'),w=box.clientWidth,h=at.clientHeight;
        if(!w||!h)return;
        const em=parseFloat(getComputedStyle(document.documentElement).fontSize);
        const left=em*3.6,bottom=em*1.3,top=em*.7,W=w-left-2,H=h-top-bottom;
        const [seconds,step]=spans[span],from=now-seconds*1000;
        const shown=steps.filter(s=>s[0]>=from-step*1000);
        const x=t=>left+W*(t-from)/(seconds*1000);
        let high=0,low=Infinity;
        for(const s of shown){
          let sum=0;
          for(const [,,f] of plot.series){const v=f(s);sum=plot.area?sum+v:Math.max(sum,v);if(v>0)low=Math.min(low,v)}
          high=Math.max(high,sum);
        }
        let y,ticks=[];
        if(plot.log){
          let a=Math.floor(Math.log10(low<Infinity?low:1e-4)),b=Math.max(a+1,Math.ceil(Math.log10(high||1e-3)));
          y=v=>top+H*(1-(Math.log10(Math.max(v,10**a))-a)/(b-a));
          const every=Math.ceil((b-a)/4);
          for(let e=a;e<=b;e+=every)ticks.push(10**e);
        }else{
          const max=nice(high||1);
          y=v=>top+H*(1-v/max);
          ticks=[0,max/2,max];
        }
        const parts=[];
        for(const t of ticks){
          parts.push(svg('line',{class:'grid',x1:left,x2:left+W,y1:y(t),y2:y(t)}));
          parts.push(svg('text',{x:left-em*.4,y:y(t)+em*.25,'text-anchor':'end'},t?plot.format(t):'0'));
        }
        for(let k=0;k<=2;k++){
          const t=from+seconds*500*k;
          parts.push(svg('text',{x:left+W*k/2,y:h-em*.15,'text-anchor':['start','middle','end'][k]},hour(t)));
        }
        // Runs of steps without a gap between them.
        const runs=[];
        let end=-1;
        for(const s of shown){
          const begin=s[0]-s[1]*1000;
          if(begin-end>step*1500)runs.push([]);
          runs[runs.length-1].push(s);
          end=s[0];
        }
        const clip=t=>Math.max(left,x(t)).toFixed(1);
        if(plot.area){
          const floor=new Map();
          for(const [kind,,f] of plot.series){
            let d='';
            for(const run of runs){
              let up='',down='';
              for(const s of run){
                const base=floor.get(s)||0,v=base+f(s),x1=clip(s[0]-s[1]*1000),x2=clip(s[0]);
                up+=(up?'L':'M')+x1+' '+y(v).toFixed(1)+'L'+x2+' '+y(v).toFixed(1);
                down='L'+x2+' '+y(base).toFixed(1)+'L'+x1+' '+y(base).toFixed(1)+down;
                floor.set(s,v);
              }
              d+=up+down+'Z';
            }
            parts.push(svg('path',{class:'a '+kind,d}));
          }
        }else for(const [kind,,f] of plot.series){
          let d='',pen=false;
          for(const run of runs){
            pen=false;
            for(const s of run){
              const v=f(s);
              if(plot.log&&!(v>0)){pen=false;continue}
              d+=(pen?'L':'M')+clip(s[0])+' '+y(v).toFixed(1);
              if(!pen)d+='h.1';
              pen=true;
            }
          }
          parts.push(svg('path',{class:'l '+kind,d}));
        }
        for(const m of flags){
          if(m[0]<from)continue;
          const bad=isBad(m[1])?' bad':'',g=svg('g',{});
          g.append(svg('title',{},clock(m[0])+' '+markText(m)),svg('line',{class:'mark'+bad,x1:x(m[0]),x2:x(m[0]),y1:top,y2:top+H}),
            svg('path',{class:'flag'+bad,d:'M'+(x(m[0])-em*.25)+' '+(top-em*.45)+'h'+em*.5+'l'+-em*.25+' '+em*.45+'z'}));
          parts.push(g);
        }
        const here=cursor==null?null:shown.reduce((a,s)=>!a||Math.abs(s[0]-cursor)<Math.abs(a[0]-cursor)?s:a,null);
        if(here)parts.push(svg('line',{class:'cursor',x1:x(here[0]),x2:x(here[0]),y1:top,y2:top+H}));
        at.setAttribute('viewBox','0 0 '+w+' '+h);
        at.replaceChildren(...parts);
        const near=here&&flags.filter(m=>Math.abs(m[0]-here[0])<step*2000).map(markText);
        set(plot.id+'-at',here?clock(here[0])+'  '+plot.series.map(([,name,f])=>name+' '+plot.format(f(here))).join('  ')+(near.length?'  '+near.join(', '):''):'');
      };
      const drawAll=()=>plots.forEach(draw);

      const point=(figure,event)=>{
        const em=parseFloat(getComputedStyle(document.documentElement).fontSize),box=figure.getBoundingClientRect(),left=em*3.6;
        const inside=(event.clientX-box.left-left)/(box.width-left-2);
        cursor=now-spans[span][0]*1000*(1-Math.min(1,Math.max(0,inside)));
        drawAll();
      };
      return{
        add(more,marks,time){
          now=time;
          flags=flags.filter(m=>!marks.length||m[0]<marks[0][0]).concat(marks).slice(-256);
          if(span=='5m'){
            const newest=steps.length?steps[steps.length-1][0]:0;
            steps=steps.concat(more.filter(s=>s[0]>newest)).slice(-310);
          }else if(Date.now()-loaded>spans[span][1]*1000)this.load();
          drawAll();
        },
        async load(){
          loaded=Date.now();
          const wanted=span;
          try{
            const page=await(await fetch('history?span='+wanted)).json();
            if(wanted!=span)return;
            steps=page.steps;
            flags=page.marks;
            if(steps.length)now=Math.max(now,steps[steps.length-1][0]);
            drawAll();
          }catch{}
        },
        start(){
          for(const r of document.querySelectorAll('input[name=span]'))r.onchange=()=>{span=r.value;steps=[];cursor=null;this.load()};
          for(const plot of plots){
            const figure=$(plot.id);
            figure.onpointermove=e=>point(figure,e);
            figure.onpointerleave=()=>{cursor=null;drawAll()};
            figure.onblur=figure.onpointerleave;
            figure.onkeydown=e=>{
              const by={ArrowLeft:-1,ArrowRight:1,PageUp:-10,PageDown:10}[e.key];
              if(e.key=='Escape')cursor=null;
              else if(e.key=='End')cursor=now;
              else if(by)cursor=Math.min(now,Math.max(now-spans[span][0]*1000,(cursor??now)+by*spans[span][1]*1000));
              else return;
              e.preventDefault();
              drawAll();
            };
          }
          new ResizeObserver(drawAll).observe($('charts'));
          this.load();
        }
      };
    })();

    """#
