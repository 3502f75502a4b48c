document.querySelectorAll('table.sortable').forEach(t=>{
const H=[...t.tHead.querySelectorAll('th')];H.forEach((h,i)=>h.addEventListener('click',()=>{
const b=t.tBodies[0],d=h.getAttribute('aria-sort')==='ascending'?-1:1;H.forEach(o=>o.removeAttribute('aria-sort'));h.setAttribute('aria-sort',d>0?'ascending':'descending');
const k=r=>{const c=r.cells[i];if(!c)return null;
if('v'in c.dataset){const v=parseFloat(c.dataset.v);return isNaN(v)?null:v}return c.textContent};
[...b.rows].sort((x,y)=>{const a=k(x),c=k(y);if(a===null||c===null)return(a===null)-(c===null);return d*(typeof a==='number'&&typeof c==='number'?a-c:String(a).localeCompare(String(c),undefined,{numeric:true}))}).forEach(r=>b.append(r))}))});
const open=()=>{
const e=document.getElementById(decodeURIComponent(location.hash.slice(1)));
for(let d=e;d;d=d.parentElement)if(d.tagName==='DETAILS')d.open=true;
if(e)e.scrollIntoView()};
addEventListener('hashchange',open);if(location.hash)open();
addEventListener('beforeprint',()=>document.querySelectorAll('details').forEach(d=>d.open=true));
