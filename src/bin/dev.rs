#![allow(missing_docs, clippy::all)]
use authfault::{detect, tally, model::{event::Event, tally::Place, time::Time}};
use std::io::Read;
fn ts(s:&[u8])->u32{ let s=std::str::from_utf8(s).unwrap(); let d=chrono::DateTime::parse_from_str(s,"%d/%b/%Y:%H:%M:%S %z").unwrap(); d.timestamp() as u32}
fn main(){ let path=std::env::args().nth(1).unwrap(); let mut v=Vec::new();
 let f=std::fs::File::open(&path).unwrap();
 if path.ends_with(".gz"){flate2::read::MultiGzDecoder::new(f).read_to_end(&mut v).unwrap();}else{let mut f=f; f.read_to_end(&mut v).unwrap();}
 let mut acc=tally::Accumulator::default();
 for (i,line) in v.split(|b|*b==b'\n').enumerate(){
  if line.is_empty(){continue}
  let place=Place{file:0,chunk:0,line:i as u32};
  if line[0]==b'{' { let j:serde_json::Value=serde_json::from_slice(line).unwrap(); let g=|k:&str|j.get(k).and_then(|x|x.as_str()).unwrap_or("").to_string();
    let (c,u,h,m,t,p,a,up)=(g("remote_addr"),g("remote_user"),g("host"),g("method"),g("uri"),g("protocol"),g("user_agent"),g("upstream_addr"));
    let time=chrono::DateTime::parse_from_rfc3339(&g("time")).unwrap().timestamp() as u32;
    let status=j["status"].as_u64().or_else(||j["status"].as_str().and_then(|s|s.parse().ok())).unwrap() as u16;
    let d=|s:&String|->Vec<u8>{ if s=="-" {vec![]} else {s.as_bytes().to_vec()}};
    let (u,up)=(d(&u),d(&up));
    let e=Event{time:Time(time),client:c.as_bytes(),user:&u,vhost:h.as_bytes(),method:m.as_bytes(),target:t.as_bytes(),protocol:p.as_bytes(),status,agent:a.as_bytes(),upstream:&up,..Default::default()};
    acc.add(&e,line,place); continue }
  let lb=match line.iter().position(|b|*b==b'['){Some(x)=>x,None=>continue}; let rb=match line.iter().position(|b|*b==b']'){Some(x)=>x,None=>continue};
  let head:Vec<&[u8]>=line[..lb].split(|b|*b==b' ').collect();
  let (vh,c,u)= if head[0].contains(&b':') && head[0].iter().filter(|b|**b==b':').count()==1 {(&head[0][..head[0].iter().position(|b|*b==b':').unwrap()],head[1],head[3])} else {(&b""[..],head[0],head[2])};
  let q:Vec<&[u8]>=line[rb+2..].split(|b|*b==b'"').collect(); if q.len()<6 {continue}
  let r:Vec<&[u8]>=q[1].split(|b|*b==b' ').collect(); let s:Vec<&[u8]>=q[2].split(|b|*b==b' ').collect();
  let dash=|x:&'static [u8]|x; let _=dash;
  let e=Event{time:Time(ts(&line[lb+1..rb])),client:c,user:if u==b"-"{b""}else{u},vhost:vh,method:r[0],target:r.get(1).copied().unwrap_or(b""),protocol:r.get(2).copied().unwrap_or(b""),
   status:std::str::from_utf8(s[1]).unwrap().parse().unwrap_or(0),bytes:std::str::from_utf8(s[2]).unwrap().parse().unwrap_or(0),referer:if q[3]==b"-"{b""}else{q[3]},agent:if q[5]==b"-"{b""}else{q[5]},..Default::default()};
  acc.add(&e,line,place);
 }
 let ledger=tally::build(acc.finish());
 let f=detect::detect(&ledger,&detect::Settings::default(),&|p|(path.clone(),p.line as u64+1));
 let out=serde_json::json!({"schema":"x","totals":f.totals,"event_causes":f.event_causes,"incidents":f.incidents,"clients":f.clients});
 println!("{}",serde_json::to_string(&out).unwrap());
}
